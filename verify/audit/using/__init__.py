"""What a program does with its functions, classes, fields and objects: who calls, reads, makes, keeps and hands on."""
