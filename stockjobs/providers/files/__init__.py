"""Market data from files: a folder of CSV and Parquet."""
