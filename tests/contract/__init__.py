"""What the pipeline leans on in a table and a bucket: one list of cases for memory, moto and MiniStack."""
