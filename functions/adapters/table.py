"""The table: items as plain dictionaries, and the domain's writes as DynamoDB expressions.

Numbers are whole everywhere, so they come back as `int`. A failed condition and a lost transaction are both `Conflict`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from early_results.writes import (
    Absent,
    AtMost,
    Check,
    Item,
    Key,
    NoneOf,
    OneOf,
    Present,
    Put,
    Remove,
    Requirement,
    Update,
    Write,
)

from .errors import Conflict, OutsideError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_BATCH = 100
_CONFLICTS = frozenset(
    {"ConditionalCheckFailedException", "TransactionCanceledException", "TransactionConflictException"}
)
_LOST = frozenset({"ConditionalCheckFailed", "TransactionConflict", "None"})


def to_attributes(item: Item) -> dict[str, Any]:
    """A plain item in DynamoDB's typed form. TypeError for what cannot be stored."""
    return {name: _typed(value) for name, value in item.items()}


def from_attributes(attributes: dict[str, Any]) -> Item:
    """A typed item as a plain one; numbers as whole numbers."""
    return {name: _plain(value) for name, value in attributes.items()}


# boto3's own serialiser and deserialiser do the same by way of Decimals and take four times as long. With them, reading
# 40,000 uploads would take longer than the sweep that reads them.


def _typed(value: Any) -> dict[str, Any]:
    match value:
        case str():
            return {"S": value}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case None:
            return {"NULL": True}
        case dict():
            return {"M": {name: _typed(inner) for name, inner in value.items()}}
        case list() | tuple():
            return {"L": [_typed(inner) for inner in value]}
        case set() | frozenset() if value and all(isinstance(text, str) for text in value):
            return {"SS": sorted(value)}
    raise TypeError(f"a {type(value).__name__} cannot be stored")


def _plain(typed: dict[str, Any]) -> Any:
    ((kind, value),) = typed.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "N":
            return int(value)
        case "M":
            return {name: _plain(inner) for name, inner in value.items()}
        case "L":
            return [_plain(inner) for inner in value]
        case "SS":
            return set(value)
        case "NULL":
            return None
    raise TypeError(f"an attribute of type {kind} is none of ours")


class Table:
    """The one table (DESIGN 6)."""

    def __init__(self, client: DynamoDBClient, name: str) -> None:
        self._client = client
        self.name = name

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        """The item under a key, or None. Reads are consistent unless the caller says otherwise."""
        try:
            answer = self._client.get_item(
                TableName=self.name, Key=to_attributes(key._asdict()), ConsistentRead=consistent
            )
        except ClientError as error:
            raise OutsideError("the table could not be read") from error
        return from_attributes(answer["Item"]) if "Item" in answer else None

    def get_many(self, wanted: Iterable[Key], *, consistent: bool = True) -> dict[Key, Item]:
        """The items under keys that exist, in batches of a hundred."""
        keys = list(dict.fromkeys(wanted))
        found: dict[Key, Item] = {}
        for start in range(0, len(keys), _BATCH):
            ask = [to_attributes(key._asdict()) for key in keys[start : start + _BATCH]]
            while ask:
                try:
                    answer = self._client.batch_get_item(
                        RequestItems={self.name: {"Keys": ask, "ConsistentRead": consistent}}
                    )
                except ClientError as error:
                    raise OutsideError("the table could not be read") from error
                for attributes in answer["Responses"].get(self.name, []):
                    item = from_attributes(attributes)
                    found[Key(item["pk"], item["sk"])] = item
                left = answer.get("UnprocessedKeys", {}).get(self.name)
                ask = list(left["Keys"]) if left else []
        return found

    def query(
        self,
        pk: str,
        *,
        prefix: str = "",
        index: str | None = None,
        before: str | None = None,
        after: str | None = None,
        newest_first: bool = False,
        limit: int | None = None,
    ) -> Iterator[Item]:
        """The items of a partition, in order of sort key. Reads of the table itself are consistent.

        If an index is named, the partition is the index's: its partition attribute has the index's name, and its sort
        key is `order`.
        """
        hash_name, range_name = (index, "order") if index else ("pk", "sk")
        names = {"#h": hash_name}
        values: Item = {":h": pk}
        condition = "#h = :h"
        for text, expression in (
            (prefix, "begins_with(#r, :r)"),
            (before, "#r < :r"),
            (after, "#r > :r"),
        ):
            if text:
                names["#r"] = range_name
                values[":r"] = text
                condition = f"#h = :h AND {expression}"
        arguments: dict[str, Any] = {
            "TableName": self.name,
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": to_attributes(values),
            "ScanIndexForward": not newest_first,
        }
        if index:
            arguments["IndexName"] = index
        else:
            arguments["ConsistentRead"] = True
        left = limit
        while True:
            if left is not None:
                arguments["Limit"] = left
            try:
                answer = self._client.query(**arguments)
            except ClientError as error:
                raise OutsideError("the table could not be read") from error
            for attributes in answer["Items"]:
                yield from_attributes(attributes)
            if left is not None:
                left -= len(answer["Items"])
            if "LastEvaluatedKey" not in answer or (left is not None and left <= 0):
                return
            arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def write(self, writes: Write | Sequence[Write]) -> None:
        """Carries out the writes of one decision: all of them, or none and Conflict."""
        todo = [writes] if isinstance(writes, Put | Update | Remove | Check) else list(writes)
        if not todo:
            return
        try:
            if len(todo) == 1 and isinstance(todo[0], Put):
                self._client.put_item(**self._put(todo[0]))
            elif len(todo) == 1 and isinstance(todo[0], Update):
                self._client.update_item(**self._update(todo[0]))
            else:
                self._client.transact_write_items(TransactItems=[self._transact(write) for write in todo])  # type: ignore[misc]
        except ClientError as error:
            if _is_conflict(error):
                raise Conflict("a condition of the write did not hold") from error
            raise OutsideError("the table could not be written") from error

    def add_one(self, key: Key, expires: int) -> int:
        """Adds one to the count under a key and gives the new count. Others may count at the same time.

        DynamoDB removes the item after `expires`, a moment in seconds since 1970.
        """
        try:
            answer = self._client.update_item(
                TableName=self.name,
                Key=to_attributes(key._asdict()),
                UpdateExpression="ADD #c :one SET #e = :expires",
                ExpressionAttributeNames={"#c": "count", "#e": "expires"},
                ExpressionAttributeValues=to_attributes({":one": 1, ":expires": expires}),
                ReturnValues="UPDATED_NEW",
            )
        except ClientError as error:
            raise OutsideError("the table could not be written") from error
        return int(from_attributes(answer["Attributes"])["count"])

    def beside(self, name: str) -> Table:
        """Another table of the same account."""
        return Table(self._client, name)

    def everything(self) -> Iterator[Item]:
        """Every item of the table, in no order.

        Only operators may: no function has the right to read the whole table.
        """
        arguments: dict[str, Any] = {"TableName": self.name, "ConsistentRead": True}
        while True:
            try:
                answer = self._client.scan(**arguments)
            except ClientError as error:
                raise OutsideError("the table could not be read") from error
            for attributes in answer["Items"]:
                yield from_attributes(attributes)
            if "LastEvaluatedKey" not in answer:
                return
            arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def delete(self, key: Key) -> None:
        """Removes an item; nothing happens if it is not there."""
        try:
            self._client.delete_item(TableName=self.name, Key=to_attributes(key._asdict()))
        except ClientError as error:
            raise OutsideError("the table could not be written") from error

    def _transact(self, write: Write) -> dict[str, Any]:
        if isinstance(write, Put):
            return {"Put": self._put(write)}
        if isinstance(write, Update):
            return {"Update": self._update(write)}
        if isinstance(write, Remove):
            return {"Delete": self._remove(write)}
        expression = _Expression()
        condition = expression.condition(write.require)
        return {
            "ConditionCheck": {
                "TableName": self.name,
                "Key": to_attributes(write.key._asdict()),
                "ConditionExpression": condition,
                **expression.arguments(),
            }
        }

    def _put(self, write: Put) -> dict[str, Any]:
        expression = _Expression()
        arguments: dict[str, Any] = {
            "TableName": self.name,
            "Item": to_attributes({**write.item, **write.key._asdict()}),
        }
        if write.require:
            arguments["ConditionExpression"] = expression.condition(write.require)
        return {**arguments, **expression.arguments()}

    def _remove(self, write: Remove) -> dict[str, Any]:
        expression = _Expression()
        arguments: dict[str, Any] = {"TableName": self.name, "Key": to_attributes(write.key._asdict())}
        if write.require:
            arguments["ConditionExpression"] = expression.condition(write.require)
        return {**arguments, **expression.arguments()}

    def _update(self, write: Update) -> dict[str, Any]:
        expression = _Expression()
        parts = []
        if write.set:
            parts.append(
                "SET " + ", ".join(f"{expression.name(n)} = {expression.value(v)}" for n, v in write.set.items())
            )
        if write.remove:
            parts.append("REMOVE " + ", ".join(expression.name(n) for n in write.remove))
        if write.add:
            parts.append(
                "ADD " + ", ".join(f"{expression.name(n)} {expression.value(set(v))}" for n, v in write.add.items())
            )
        arguments: dict[str, Any] = {"TableName": self.name, "Key": to_attributes(write.key._asdict())}
        if parts:
            arguments["UpdateExpression"] = " ".join(parts)
        if write.require:
            arguments["ConditionExpression"] = expression.condition(write.require)
        return {**arguments, **expression.arguments()}


class _Expression:
    """Names and values of one expression, numbered as they come."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._values: Item = {}

    def name(self, attribute: str) -> str:
        for alias, known in self._names.items():
            if known == attribute:
                return alias
        alias = f"#n{len(self._names)}"
        self._names[alias] = attribute
        return alias

    def value(self, value: Any) -> str:
        alias = f":v{len(self._values)}"
        self._values[alias] = value
        return alias

    def condition(self, require: dict[str, Requirement]) -> str:
        return " AND ".join(self._one(attribute, requirement) for attribute, requirement in require.items())

    def _one(self, attribute: str, requirement: Requirement) -> str:
        name = self.name(attribute)
        match requirement:
            case Absent():
                return f"attribute_not_exists({name})"
            case Present():
                return f"attribute_exists({name})"
            case OneOf(values):
                return f"{name} IN ({', '.join(self.value(v) for v in values)})"
            case NoneOf(values):
                unwanted = ", ".join(self.value(v) for v in values)
                return f"(attribute_not_exists({name}) OR NOT {name} IN ({unwanted}))"
            case AtMost(most):
                return f"(attribute_not_exists({name}) OR {name} <= {self.value(most)})"
            case _:
                return f"{name} = {self.value(requirement)}"

    def arguments(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self._names:
            found["ExpressionAttributeNames"] = self._names
        if self._values:
            found["ExpressionAttributeValues"] = to_attributes(self._values)
        return found


def _is_conflict(error: ClientError) -> bool:
    code = error.response["Error"]["Code"]
    if code != "TransactionCanceledException":
        return code in _CONFLICTS
    reasons = error.response.get("CancellationReasons", [])
    return all(reason.get("Code", "None") in _LOST for reason in reasons)
