include stores

fastphash convert s train+val.json
fastphash convert s@train train.json --augmented
fastphash convert s@train train.json
fastphash convert s@train train.json --overwrite
fastphash convert bare bare.json --augmented
fastphash convert s@val val.json --augmented
fastphash convert val.json augmented --as imagehash
fastphash convert train.json plain --as imagehash:horizontal --split other
fastphash convert train.json foreign
fastphash convert s/part-000000.parquet parts
fastphash convert s/part-000000.parquet part --split one --as imagehash:pillow12.2
for s in augmented plain foreign parts part; do fastphash info $s; done
for s in augmented plain foreign parts part; do fastphash info $s --json; done
fastphash join augmented s@train -o pairs.parquet --radius 8
fastphash join foreign s@train -o foreign.parquet
fastphash group augmented plain -o groups.parquet
fastphash convert train.json plain
fastphash convert train.json new --as nothing
fastphash convert train.json new --split a=b
fastphash convert s new
fastphash convert s new.json --as imagehash
echo '[]' > a.json; echo '{}' > b.json; echo '[{"image_name": "a", "hash": "xyz"}]' > c.json
echo '[{"image_name": "a", "hash": "0123456789abcdef"}, 5]' > d.json; echo text > e.json
for f in a b c d e nowhere; do fastphash convert $f.json store-$f; done
fastphash info store-a --json
fastphash hash a=$PICTURES/test -o store-a
