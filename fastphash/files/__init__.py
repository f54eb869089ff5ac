"""Files written, copied and moved so that none is lost or half written: Parquet, JSON, any file."""
