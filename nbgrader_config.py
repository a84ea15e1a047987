"""nbgrader's settings for teachers; `make exercises` reads the stub from here too.

Copy this file into the folder of your course, and a notebook of solutions/ into source/ASSIGNMENT/, unchanged. Then
`nbgrader generate_assignment ASSIGNMENT` and, once answers are in, `nbgrader autograde ASSIGNMENT`. The kernel that
grades needs the course installed.
"""

import os

os.environ["COURSE_PROGRESS"] = ""  # what is graded is not the teacher's own progress

c = get_config()  # noqa: F821

c.ClearSolutions.code_stub = {"python": "..."}  # an exception would end the learner's Run All
c.Execute.timeout = 300  # seconds for one cell; nbgrader's 30 are few on a busy machine
