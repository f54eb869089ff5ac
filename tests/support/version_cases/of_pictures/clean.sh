include planned

fastphash clean out --apply
fastphash clean out
fastphash clean out --json --kinds near,augmented --keep-in train
fastphash clean out --kinds identical
fastphash clean out --apply
fastphash clean out --apply --json
fastphash clean out --kinds near --explain --memory 100M
fastphash clean out --apply --absolute -0
fastphash clean out --apply --absolute -0 --overwrite --json
fastphash clean out lists --apply --coco train=train.json
for m in copy hardlink symlink; do fastphash clean out $m --apply --to $m; done
fastphash clean out copy --apply --to copy --json
fastphash clean out train/inside --apply --to copy
fastphash clean out copy --apply --to copy -0
fastphash clean out aside --apply --to move --coco val=val.json
fastphash clean out aside --apply --to move --json --overwrite
fastphash clean out --undo
fastphash clean out --undo --json
f=$(ls -d train/*/* | head -n 1); touch -d @1400000000 $f; rm $(ls -d train/*/* | tail -n 1)
f=$(ls -d val/*/* | head -n 1); printf x >> $f; touch -d @1600000000 $f
fastphash clean out --apply --overwrite
fastphash clean out again --apply --to copy --json
fastphash clean out aside --apply --to move
fastphash clean out aside --apply --to move --overwrite
f=$(ls -d aside/*/*/* | head -n 1); cp truth.csv ${f#aside/}
fastphash clean out --undo
mv train elsewhere
fastphash clean out --apply --overwrite
fastphash audit train=elsewhere val=val -o out
fastphash clean out --apply
