"""The compiled state of all feeds as one immutable file: layout, writer and reader. No feed is parsed here."""
