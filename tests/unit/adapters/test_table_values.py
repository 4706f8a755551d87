"""Values in DynamoDB's typed form: the same as boto3 makes of them, and back to what they were."""

from __future__ import annotations

from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from adapters.table import from_attributes, to_attributes

SCALARS: st.SearchStrategy[Any] = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(min_size=1), inner), max_leaves=8
) | st.sets(st.text(min_size=1), min_size=1)


@given(st.dictionaries(st.text(min_size=1), VALUES))
def test_values_come_back_as_they_were(item: dict[str, Any]) -> None:
    typed = to_attributes(item)
    assert from_attributes(typed) == item
    # And boto3 reads them the same.
    assert {name: TypeDeserializer().deserialize(value) for name, value in typed.items()} == item


@given(st.dictionaries(st.text(min_size=1), VALUES))
def test_what_boto3_writes_is_read(item: dict[str, Any]) -> None:
    assert from_attributes({name: TypeSerializer().serialize(value) for name, value in item.items()}) == item


@pytest.mark.parametrize("value", [1.5, b"bytes", set(), {1, 2}, object()])
def test_what_has_no_place_in_the_table_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        to_attributes({"name": value})
