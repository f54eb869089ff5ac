include planned

fastphash clean out
program inspector out pages
program inspector out again SIGTERM
fastphash clean out --apply
fastphash clean out
fastphash clean out --apply
fastphash report out
fastphash audit train=train val=val -o out --radius 8 --json
rm train/*/*1*
fastphash audit train=train val=val -o out --radius 8 --no-thumbnails
fastphash audit train=train val=val -o bare --radius 8 --no-thumbnails
fastphash clean out --json
program inspector bare bare-pages
echo '[5]' > out/decisions.json
fastphash clean out
fastphash inspect out --no-browser --port 0
fastphash inspect out --host nowhere.invalid --port 0
fastphash inspect out --port 70000
fastphash inspect nowhere
