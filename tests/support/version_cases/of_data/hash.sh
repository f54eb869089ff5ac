fastphash hash all=$DATA -o full --workers 2
fastphash hash all=$DATA -o full
fastphash hash all=$DATA -o full --json --workers 1
fastphash info full
fastphash info full --json
fastphash hash all=$DATA -o one --workers 1 --json
fastphash hash all=$DATA -o reduced --decode reduced
fastphash hash all=$DATA -o horizontal --pass-order horizontal
fastphash hash all=$DATA -o pillow12 --pass-order pillow12.2
fastphash hash all=$DATA -o exif --exif
