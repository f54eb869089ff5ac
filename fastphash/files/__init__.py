"""Files written so that none is lost: Parquet, JSON, moves and copies."""
