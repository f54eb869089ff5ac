"""What a server of workers imports first that starts early: it ends with the process it works for.

By itself it notices that this one has ended once it has imported all modules. On the first run that
takes a quarter of a minute, for it compiles kernels.
"""

from fastphash.base.system import end_with_parent

end_with_parent()
