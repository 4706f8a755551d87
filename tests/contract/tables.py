"""The table that the cases ask for, made on whatever store plays DynamoDB."""

from __future__ import annotations

from typing import Any

from adapters.table import Table


def make_table(dynamodb: Any, name: str) -> Table:
    """A table with the keys and indexes of template.yaml."""
    names = ("pk", "sk", "by_school", "unsettled", "order")
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": index,
                "KeySchema": [
                    {"AttributeName": index, "KeyType": "HASH"},
                    {"AttributeName": "order", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": kept},
            }
            for index, kept in (("by_school", "ALL"), ("unsettled", "KEYS_ONLY"))
        ],
    )
    return Table(dynamodb, name)
