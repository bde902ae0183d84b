"""The wall: where a class stands, learner by section, for the teacher and the projector.

sections    what a lesson asks, section by section, read from the notebook
standing    what each learner's progress file says of that: pure functions of entries
page        the page, of plain HTML that renews itself
service     the server: `labs wall FOLDER...`, and a service of a JupyterHub
"""
