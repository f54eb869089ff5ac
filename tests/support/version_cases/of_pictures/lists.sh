cp -a $PICTURES/train .
find train -name '*.*' | sort > all.txt
find train -name '*.*' -print0 > all.bin
head -n 20 all.txt | sed 's/$/\r/' > some.txt
fastphash hash --files all.txt -o named
fastphash hash --files few=some.txt -o few --json
fastphash hash -0 --files all.bin -o nul --json
fastphash hash --files all.bin -o wrong
fastphash hash --files - -o given < all.txt
fastphash hash x=train --files y=some.txt -o both
head -n 5 all.txt | fastphash audit test=$PICTURES/test --files more=- -o out --json
echo train/nowhere.jpg >> some.txt
fastphash hash --files few=some.txt -o few --json
: > empty.txt
fastphash hash --files empty.txt -o empty
fastphash hash --files nowhere.txt -o empty
fastphash hash $PICTURES/train $PICTURES/val -o unnamed
fastphash hash s=train/.. -o above --json
fastphash info unnamed@val --json
