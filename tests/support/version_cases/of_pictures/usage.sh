cp -a $PICTURES/test data && fastphash hash data -o s && fastphash audit data -o out
fastphash nonsense
fastphash --nonsense
fastphash audit --nonsense
fastphash audit -o x
fastphash audit .
fastphash audit nowhere -o x
fastphash audit s/_manifest.json -o x
fastphash audit a=data b=data -o x
fastphash audit a=data a=out -o x
fastphash audit a=data b=data/.. -o x
fastphash audit a@b=data -o x
fastphash audit =data -o unnamed
fastphash audit data -o s
fastphash audit data -o out/summary.json
fastphash audit data -o x --radius 65
fastphash audit data -o x --radius -1
fastphash audit data -o x --radius two
fastphash audit data -o x --min-score 1.5
fastphash audit data -o x --min-score nan
fastphash audit data -o x --min-score 0.5 --no-verify
fastphash audit data -o x --min-score 0.5 --no-thumbnails
fastphash audit data -o x --memory much
fastphash audit data -o x --memory 0
fastphash audit data -o x --grouping other
fastphash audit data -o x --keep-in other
fastphash audit data -o x --fail-on-leak=twin
fastphash audit data -o x --fail-on-leak=
fastphash audit data -o x --coco data
fastphash audit data -o x --coco data=nowhere.json
fastphash audit data -o x --coco other=s/_manifest.json
fastphash audit data -o labelled --coco data=s/_manifest.json
fastphash audit data -o x --coco data=s/_manifest.json --coco data=s/_manifest.json
fastphash audit data -o x --workers 0
fastphash audit data -o x --timeout 0
fastphash audit data -o x --timeout nan
fastphash audit data -o x --max-pixels 0
fastphash audit data -o out --exif
fastphash hash data
fastphash hash -o x
fastphash hash data -o x --decode half
fastphash hash data -o x --pass-order vertical
fastphash hash data -o out
fastphash hash data -o data
fastphash hash data -o s --decode reduced
fastphash info
fastphash info nowhere
fastphash info out
fastphash info data
fastphash info s@nowhere
fastphash info s/_manifest.json
fastphash info s/_rejected.parquet
fastphash join s
fastphash join s nowhere -o x.parquet
fastphash join s out -o x.parquet
fastphash join s s/part-000000.parquet
fastphash join s s/part-000000.parquet -o x.parquet --radius 65
fastphash join s s/part-000000.parquet -o x.parquet --kinds none
fastphash join s s/part-000000.parquet -o x.parquet --kinds ,
fastphash join s s/part-000000.parquet -o x.parquet --format csv
fastphash join s s/part-000000.parquet -o x.parquet --max-pairs -1
fastphash join s s/part-000000.parquet -o data
fastphash group -o x.parquet
fastphash group s
fastphash group s s -o x.parquet
fastphash group s nowhere -o x.parquet
fastphash query data/a.jpg
fastphash query --in s
fastphash query data --in s -k 0
fastphash report
fastphash report nowhere
fastphash report s
fastphash report out --groups 10001
fastphash report out -o nowhere/x.html
fastphash clean
fastphash clean nowhere
fastphash clean s
fastphash clean out --apply --kinds exact
fastphash clean out --undo --apply
fastphash clean out --undo
fastphash clean out x
fastphash clean out --to copy
fastphash clean out --apply --to copy
fastphash clean out --apply --to shred
fastphash clean out x --apply --to move
fastphash clean out --kinds nearly
fastphash clean out --keep-in other
fastphash evaluate out
fastphash evaluate out nowhere.csv
fastphash evaluate s s/_manifest.json
fastphash evaluate out s/_manifest.json
fastphash calibrate
fastphash calibrate nowhere
fastphash calibrate s --precision 1
fastphash calibrate s --max-pairs 0
fastphash calibrate s -o nowhere/x.svg
fastphash convert s
fastphash convert nowhere x
fastphash convert s/_manifest.json x
fastphash convert data/a.jpg x
fastphash demo -o data
fastphash demo --workers 0
fastphash inspect
fastphash inspect s --no-browser --port 0
