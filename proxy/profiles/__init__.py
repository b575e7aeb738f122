"""What a person installs on a device so that its traffic comes through the gateway: texts and files, made and not kept.

Private keys and passwords pass through here once. Nothing is stored, sent or decided in this folder.
"""
