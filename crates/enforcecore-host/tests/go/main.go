// Verifies an EnforceCore log with Go's own transparency-log packages, and nothing of ours.
//
//	verify LOG VKEY
//
// Every seal must open under the key (note.Open), every entry must be included in the last checkpoint
// (tlog.ProveRecord, tlog.CheckRecord), and every seal must extend the one before it (tlog.ProveTree, tlog.CheckTree).
// Prints the number of entries and seals.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type seal struct {
	Leaves string `json:"leaves"`
	Note   string `json:"seal"`
}

// hashes is the tree's storage, as tlog wants it: by storage index.
type hashes []tlog.Hash

func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, 0, len(indexes))
	for _, index := range indexes {
		if index >= int64(len(h)) {
			return nil, fmt.Errorf("no hash %d", index)
		}
		out = append(out, h[index])
	}
	return out, nil
}

func main() {
	if len(os.Args) != 3 {
		fail("usage: verify LOG VKEY")
	}
	log, err := os.ReadFile(os.Args[1])
	check(err)
	verifier, err := note.NewVerifier(os.Args[2])
	check(err)
	entries, trees := read(log, note.VerifierList(verifier))

	var stored hashes
	for index, entry := range entries {
		added, err := tlog.StoredHashes(int64(index), entry, stored)
		check(err)
		stored = append(stored, added...)
	}
	for i, tree := range trees {
		root, err := tlog.TreeHash(tree.N, stored)
		check(err)
		if root != tree.Hash {
			fail("seal %d: the root is not that of its %d entries", i, tree.N)
		}
		if i == 0 {
			continue
		}
		old := trees[i-1]
		proof, err := tlog.ProveTree(tree.N, old.N, stored)
		check(err)
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash); err != nil {
			fail("seal %d does not extend the one before: %v", i, err)
		}
	}
	last := trees[len(trees)-1]
	if last.N != int64(len(entries)) {
		fail("%d entries, %d sealed", len(entries), last.N)
	}
	for index, entry := range entries {
		proof, err := tlog.ProveRecord(last.N, int64(index), stored)
		check(err)
		if err := tlog.CheckRecord(proof, last.N, last.Hash, int64(index), tlog.RecordHash(entry)); err != nil {
			fail("entry %d is not included: %v", index, err)
		}
	}
	fmt.Printf("%d entries, %d seals\n", len(entries), len(trees))
}

// read splits the log into entries and the checkpoints of its seals, whose signatures it checks.
func read(log []byte, keys note.Verifiers) (entries [][]byte, trees []tlog.Tree) {
	for _, line := range bytes.Split(bytes.TrimSuffix(log, []byte("\n")), []byte("\n")) {
		if !bytes.HasPrefix(line, []byte(`{"leaves":`)) {
			entries = append(entries, line)
			continue
		}
		var s seal
		check(json.Unmarshal(line, &s))
		opened, err := note.Open([]byte(s.Note), keys)
		if err != nil {
			fail("seal %d: %v", len(trees), err)
		}
		lines := strings.Split(opened.Text, "\n")
		if len(lines) != 4 || lines[3] != "" {
			fail("seal %d: not three lines", len(trees))
		}
		size, err := strconv.ParseInt(lines[1], 10, 64)
		check(err)
		root, err := tlog.ParseHash(lines[2])
		check(err)
		trees = append(trees, tlog.Tree{N: size, Hash: root})
	}
	if len(trees) == 0 {
		fail("no seals")
	}
	return entries, trees
}

func check(err error) {
	if err != nil {
		fail("%v", err)
	}
}

func fail(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", arguments...)
	os.Exit(1)
}
