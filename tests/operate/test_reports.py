"""A school's report whose file's single results are lost: it waits for them, and in the end comes without them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adapters.report_pdf import build_pdf
from adapters.report_view import view
from early_results import keys
from early_results.object_keys import extract_key, report_key
from early_results.reporting.figures import Copy, ReportInput
from workflow import build_report as building
from workflow.build_report import Built, SummaryMissingError, build_report, fail_report

from .season import CLOSES, NAME, SCHOOLS, season


def test_a_report_whose_pupils_results_are_lost_comes_without_them_and_is_whole_again_once_they_are_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[ReportInput] = []
    with season() as played:
        upload = played.upload(SCHOOLS[0])
        played.now = CLOSES + timedelta(minutes=5)
        played.freeze()
        stores, lost = played.stores, extract_key(NAME, upload)
        extract = stores.results.get(lost)
        stores.results.remove(lost)
        with pytest.raises(SummaryMissingError):
            build_report(stores, NAME, 1, SCHOOLS[0])  # its message comes again
        assert (stores.table.get(keys.report(NAME, 1, SCHOOLS[0])) or {})["state"] == "PROCESSING"

        def watched(report: ReportInput, copy: Copy) -> bytes:
            said.append(report)
            return build_pdf(report, copy)

        monkeypatch.setattr(building, "build_pdf", watched)
        assert fail_report(stores, NAME, 1, SCHOOLS[0]) is Built.INCOMPLETE
        noted = stores.table.get(keys.report(NAME, 1, SCHOOLS[0])) or {}
        assert noted["state"] == "READY"
        for copy in Copy:
            seen = view(said[0], copy)
            assert "This report is not complete" in seen["notice"]
            assert [cohort.get("annex") for cohort in seen["cohorts"]] == [None]
        assert stores.results.get(report_key(NAME, 1, SCHOOLS[0], upload, "pdf")).startswith(b"%PDF-")

        stores.results.put(lost, extract, "application/json")
        assert build_report(stores, NAME, 1, SCHOOLS[0]) is Built.READY
        assert said[-1].complete
        assert len(said[-1].pupils) == 4
        assert "not complete" not in view(said[-1], Copy.STAFF)["notice"]
        whole = stores.table.get(keys.report(NAME, 1, SCHOOLS[0])) or {}
        assert all(whole["sha256"][form] != noted["sha256"][form] for form in ("pdf", "staff", "xlsx"))
