"""S3, DynamoDB, SQS, workbooks and PDF: the only place for those libraries. Vendor errors stop here."""
