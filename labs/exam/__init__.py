"""An exam: tasks with numbers of each learner's own, a time window, lines that are sealed.

paper       the teacher's file: the secret, the window; each learner's key and numbers come from it
tasks       what the learner answers and submits, in the notebook exam.ipynb
hand_out    from the teacher to a learner's folder: the notebook, .exam.json; no solutions
results     what a progress file shows of it: points, and what is wrong with the file

What this does not prevent is in docs/teaching.md.
"""
