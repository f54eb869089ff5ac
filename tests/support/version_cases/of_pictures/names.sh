mkdir a b && i=0; for f in $PICTURES/test/*/*; do i=$((i+1)); cp -p "$f" a/$i.jpg; done
mv a/1.jpg "$(printf 'a/\377.png')"; mv a/2.jpg "$(printf 'a/two\nlines.png')"
mv a/3.jpg "$(printf 'a/\033[31mred\007.png')"; mv a/4.jpg "a/'\"<script>&[bold].png"; cp -a a/. b
fastphash audit a b -o out
fastphash audit a b -o out --json
fastphash clean out
fastphash clean out --apply
fastphash clean out --apply -0 --json
fastphash clean out tree --apply --to copy
fastphash convert out/hashes@a a.json
fastphash query "$(printf 'a/\377.png')" a/4*.jpg --in out/hashes --json
fastphash join out/hashes@a out/hashes@b -o pairs.json --format hash-and-search
