fastphash hash all=$DATA -o strict --strict-imagehash
fastphash hash all=$DATA -o least --no-thumbnails --no-orientations --workers 1 --json
fastphash hash all=$DATA -o mixed --decode reduced --exif --strict-imagehash --pass-order horizontal
fastphash hash all=$DATA -o small --max-pixels 5000
for s in strict least mixed; do fastphash info $s; done
for s in strict least mixed; do fastphash info $s --json; done
fastphash info least@all
