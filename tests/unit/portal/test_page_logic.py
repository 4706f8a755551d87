"""The page's logic without a browser: tests/page under Node's own runner; and its words, held to the service's own."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from early_results.service import LONDON
from early_results.times import day_words, moment_words, to_text
from infra import javascript

BEGIN = datetime(2023, 1, 1, tzinfo=UTC)
# Over two years and their changes of the clocks: noon and midnight, whole hours, odd minutes and odd seconds.
MOMENTS = [BEGIN + timedelta(hours=7 * n, minutes=17 * n * (n % 2), seconds=11 * n * (n % 3)) for n in range(2600)]
SAYS = """
import { day, moment } from %s;
const texts = JSON.parse(process.argv[1]);
console.log(JSON.stringify(texts.map((text) => [moment(text), day(text)])));
"""


def test_the_page_s_logic() -> None:
    done = javascript.test()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# fail 0" in done.stdout
    assert "# tests 0" not in done.stdout


def test_the_page_says_moments_in_the_words_of_the_service() -> None:
    texts = [to_text(moment) for moment in MOMENTS]
    module = json.dumps((javascript.ASSETS / "words.js").as_uri())
    done = javascript.run("--input-type=module", "--eval", SAYS % module, json.dumps(texts))
    assert done.returncode == 0, done.stderr
    ours = [[moment_words(moment), day_words(moment.astimezone(LONDON))] for moment in MOMENTS]
    assert {"12 noon", "midnight"} <= {moment.partition(" on ")[0] for moment, _ in ours}
    assert dict(zip(texts, json.loads(done.stdout), strict=True)) == dict(zip(texts, ours, strict=True))
