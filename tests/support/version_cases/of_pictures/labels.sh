include planned

fastphash audit train=train val=val -o out --json --no-class-folders --coco val=val.json
fastphash audit train=train val=val -o out --class-folders --keep-in train --fail-on-leak=exact
fastphash report out
fastphash report out --groups 2 -o page.html
fastphash report out --groups 2 -o page.html
fastphash report out --groups 0 -o page.html --overwrite
fastphash audit train=train val=val -o bare --no-thumbnails --no-orientations
fastphash clean bare --json
fastphash audit train=train val=val -o reduced --decode reduced --exif --json
fastphash audit train=train val=val -o out --no-orientations
fastphash audit train=train -o out --json
fastphash audit test=test train=train -o out
fastphash evaluate out truth.csv --json
fastphash audit train=train val=val -o out --min-score 0 --radius 16
fastphash evaluate out truth.csv
fastphash evaluate out truth.csv --json --radius 24 --shown 3 -o judged --explain
fastphash evaluate out truth.csv --max-pairs 3
fastphash evaluate bare truth.csv
fastphash evaluate out truth.csv -o train
echo needle,haystack > a.csv; echo x,y > b.csv; printf 'needle,haystack\nval/a,b\n' > c.csv
for f in a b c; do fastphash evaluate out $f.csv -o $f; done
