"""Grades: what counts (`points`), and the forms that other programs import (`exports`)."""
