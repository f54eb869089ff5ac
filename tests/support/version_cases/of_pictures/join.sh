include stores

for r in 0 4 8 16; do fastphash join s@val s@train -o $r.parquet --radius $r; done
fastphash join s@val s@train -o all.parquet --radius 64 --json
fastphash join s@val s@train -o 0.json --format hash-and-search
fastphash join s@val s@train -o 8.json --format hash-and-search --radius 8 --kinds near,augmented
fastphash join s@train s@val -o kinds.parquet --radius 12 --kinds identical,collision --json
fastphash join s@train s@val -o score.parquet --radius 16 --min-score 0.9
fastphash join s@train s@val -o unseen.parquet --radius 8 --no-verify
fastphash join s@train s@val -o memory.parquet --radius 8 --explain --memory 100M
fastphash join s@train s@val -o limited.parquet --radius 30 --max-pairs 10
fastphash join s@train test -o other.parquet --radius 16
fastphash join bare s@train -o bare.parquet --radius 4
fastphash join bare s@train -o scored.parquet --radius 4 --min-score 0.5
fastphash join s@train s/part-000000.parquet -o file.parquet --radius 4
fastphash join reduced s@train -o reduced.parquet
fastphash join horizontal s@train -o horizontal.parquet
fastphash join s@val s@val -o same.parquet
fastphash join s s -o same.parquet
fastphash join s@none s@train -o none.parquet
fastphash join s@val s@train -o 0.parquet
fastphash join s@val s@train -o 0.parquet --overwrite --json
fastphash join s@val s@train -o nowhere/0.parquet
