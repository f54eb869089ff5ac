cp -a $PICTURES/train $PICTURES/val .
fastphash hash train=train val=val -o s
fastphash hash train=train -o s --json
for f in $(ls -d train/*/* | head -n 3); do touch -d @1500000000 $f; done
for f in $(ls -d train/*/* | tail -n 4); do rm $f; done
cp -p val/*/* train
fastphash hash train=train -o s --keep-missing --json
fastphash hash train=train -o s
head -c 500 $(ls -d train/*/* | head -n 1) > train/cut.jpg; touch -d @1500000001 train/cut.jpg
printf 'no image' > train/text.png; touch -d @1500000002 train/text.png
: > train/empty.jpg; touch -d @1500000003 train/empty.jpg
ln -s cut.jpg train/link.jpg; ln -s nothing train/dangling.jpg; ln -s ../train train/loop
mkfifo train/pipe.jpg
fastphash hash train=train -o s
fastphash info s
fastphash hash train=train val=val -o s --exif
fastphash hash train=train val=val -o s --no-thumbnails
mv val moved
fastphash hash val=val -o s
mkdir val
fastphash hash val=val -o s
fastphash hash val=val -o s --keep-missing
fastphash hash val=moved -o s
for f in s/part-*.parquet; do head -c 5000 $f > cut && mv cut $f; done
fastphash info s
fastphash hash val=moved -o s
fastphash hash val=moved train=train -o s
rm s/_rejected.parquet; touch s/_left.tmp s/part-000099.parquet
fastphash join s@val s@train -o pairs.parquet
fastphash hash val=moved train=train -o s
fastphash audit val=moved train=train -o out; fastphash audit val=moved train=train -o out
sed -i 's/pillow13/pillow12/' s/_manifest.json
fastphash info s
fastphash hash val=moved -o s
ls -S moved/*/* | head -n 2 > large.txt
fastphash hash --files large.txt -o timed --timeout 0.000001
