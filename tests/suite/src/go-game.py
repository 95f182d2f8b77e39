"""Print a GTP script: gnugo plays both sides from a small opening, then scores the board. Argument: rounds."""
import sys
print("boardsize 19\nclear_board\nkomi 6.5")
for side, at in (("black", "Q16"), ("white", "D4"), ("black", "D16"), ("white", "Q4"), ("black", "O3"), ("white", "R6"),
                 ("black", "F3"), ("white", "C6"), ("black", "J4"), ("white", "F17")):
    print("play %s %s" % (side, at))
for i in range(int(sys.argv[1])):
    print("genmove black\ngenmove white")
print("showboard\nestimate_score\nquit")
