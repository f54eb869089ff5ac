"""What a server of workers imports first that starts early: it ends with the process it works for.

By itself it notices that this one has ended once it has imported all modules. On the first run that
takes a quarter of a minute, for it compiles kernels.
"""

import os

from fastphash.base.system import end_with_parent

#: In the environment of such a server: the number of the process that started it.
STARTED_BY = "FASTPHASH_SERVER_STARTED_BY"

if STARTED_BY in os.environ:
    end_with_parent(int(os.environ.pop(STARTED_BY)))
