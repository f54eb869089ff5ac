include stores

for r in 0 4 12; do fastphash group s -o $r.parquet --radius $r; done
fastphash group s -o chained.parquet --radius 12 --grouping components --json
fastphash group s test -o three.parquet --radius 8 --keep-in test,val --explain --memory 100M
fastphash group s@train -o train.json --format hash-and-search --radius 4
fastphash group s -o both.json --format hash-and-search
fastphash group s -o unseen.parquet --radius 8 --no-verify --json
fastphash group s -o score.parquet --radius 16 --min-score 0.95
fastphash group bare -o bare.parquet
fastphash group bare -o scored.parquet --min-score 0.5
fastphash group s bare -o mixed.parquet
fastphash group test bare -o mixed.parquet
fastphash group test reduced -o mixed.parquet
fastphash group s/part-000000.parquet -o file.parquet --radius 4
fastphash group s -o 0.parquet
fastphash group s -o 0.parquet --overwrite --keep-in nowhere
fastphash query $PICTURES/test/*/* --in s
fastphash query $PICTURES/test/*/* --in s@val --json -k 2 --radius 10 --explain
fastphash query $PICTURES/train/*/*a* --in bare
fastphash query $PICTURES/truth.csv nowhere.jpg $PICTURES --in s --json
fastphash query $PICTURES/truth.csv --in nowhere
fastphash calibrate s
fastphash calibrate s@train --json --radius 20 --precision 0.9 -o curves.svg
fastphash calibrate s --radius 12 -o curves.svg --overwrite --explain
fastphash calibrate bare --json
fastphash calibrate test --radius 0 -o nothing.svg
