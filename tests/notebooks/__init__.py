"""The ring that executes the lessons, as a learner and as a learner who errs."""
