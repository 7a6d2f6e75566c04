"""The rules of scripts/lint. A rule is a function in files.py, classes.py or rooms.py and a planted bad file in planted.py."""
