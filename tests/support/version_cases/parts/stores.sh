fastphash hash train=$PICTURES/train val=$PICTURES/val -o s
fastphash hash test=$PICTURES/test -o test
fastphash hash val=$PICTURES/val -o bare --no-thumbnails --no-orientations
fastphash hash val=$PICTURES/val -o reduced --decode reduced
fastphash hash val=$PICTURES/val -o horizontal --pass-order horizontal
