program api signatures
program api images $DATA
program api tables $DATA
program api joins
program api errors
echo 'import fastphash; fastphash.hash_images(["a.jpg"], workers=1)' | "$PYTHON" - # fastphash
"$PYTHON" -c 'import sys, fastphash; print([m for m in sys.modules if m == "numpy"])'
