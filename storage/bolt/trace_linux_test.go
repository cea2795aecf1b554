package bolt_test

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// operation is what a process did to a store file, to its directory, or to its standard output.
type operation struct {
	does   string // "write", "cut" (to a size), "sync", "name" (the file gets its name), "sync names", "ack"
	at     int64  // where a write begins; the size after a cut
	data   []byte // of a write
	number int    // of the step that was acknowledged
}

// requireStrace skips a test where nothing can be recorded, but not in CI.
func requireStrace(t *testing.T) {
	t.Helper()
	out, err := exec.Command("strace", "-f", "-qq", "-e", "trace=fdatasync", "true").CombinedOutput()
	if err == nil {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("the strace command is needed, and allowed to trace: %v\n%s", err, out)
	}
	t.Skipf("strace is not installed, or may not trace here, so no power cut is tried: %v\n%s", err, out)
}

// record runs a writer of steps 1 to last on a new store file under strace, and returns what it did.
func record(t *testing.T, mode string, last int) []operation {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	path, trace := filepath.Join(dir, "test.db"), filepath.Join(dir, "trace")
	strace := []string{"strace", "-f", "-qq", "-y", "-xx", "-s", strconv.Itoa(64 << 20), "-o", trace,
		"-e", "trace=write,pwrite64,pwritev,pwritev2,writev,msync,ftruncate,fallocate,fdatasync,fsync,sync_file_range,link,linkat,rename,renameat,renameat2"}
	c := startChild(t, strace, "write", path, "1", mode, strconv.Itoa(last))
	acked := 0
	for n, ok := c.acked(t); ok; n, ok = c.acked(t) {
		acked = n
	}
	require.NoError(t, c.Wait(), string(c.err.text))
	require.Equal(t, last, acked)

	file, err := os.Open(trace)
	require.NoError(t, err)
	defer func() { _ = file.Close() }()
	var operations []operation
	begun := map[string]string{} // by thread
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 256<<20)
	for lines.Scan() {
		thread, call, _ := strings.Cut(lines.Text(), " ")
		call = strings.TrimSpace(call)
		if start, ok := strings.CutSuffix(call, " <unfinished ...>"); ok {
			begun[thread] = start
			continue
		}
		if _, end, ok := strings.Cut(call, " resumed>"); ok && strings.HasPrefix(call, "<... ") {
			call = begun[thread] + end
		}
		op, err := understand(call, path)
		require.NoError(t, err, "%.300s", call)
		if op.does != "" {
			operations = append(operations, op)
		}
	}
	require.NoError(t, lines.Err())
	return operations
}

// understand reads one finished call, as strace prints it: name(5<path>, "data", ...) = result. The operation is empty
// if it has nothing to do with the store file at path, or the one that becomes it.
func understand(call, path string) (op operation, err error) {
	name, rest, ok := strings.Cut(call, "(")
	if !ok || strings.HasPrefix(call, "+++") || strings.HasPrefix(call, "---") {
		return op, nil // the end of a thread, a signal
	}
	end := strings.LastIndex(rest, " = ")
	if end < 0 {
		return op, fmt.Errorf("without a result")
	}
	arguments, result := strings.TrimSuffix(strings.TrimRight(rest[:end], " "), ")"), rest[end+len(" = "):]
	if strings.HasPrefix(result, "-1 ") {
		return op, nil // nothing was done
	}
	words := strings.Split(arguments, ", ")
	number, annotated, _ := strings.Cut(words[0], "<")
	target := unhex(strings.TrimSuffix(annotated, ">"))
	ours := target == path || strings.HasPrefix(target, path+".new-")
	switch {
	case name == "linkat" && len(words) > 3 && unhex(strings.Trim(words[3], `"`)) == path:
		op.does = "name"
	case name == "fsync" && target == filepath.Dir(path):
		op.does = "sync names"
	case name == "write" && number == "1":
		op.does = "ack"
		op.number, err = strconv.Atoi(strings.TrimSpace(unhex(strings.Trim(words[1], `"`))))
	case !ours:
	case name == "pwrite64":
		op.does, op.data = "write", []byte(unhex(strings.Trim(words[1], `"`)))
		if words[2] != strconv.Itoa(len(op.data)) || !strings.HasPrefix(result, words[2]) {
			return op, fmt.Errorf("a write that was not recorded whole")
		}
		op.at, err = strconv.ParseInt(words[3], 10, 64)
	case name == "ftruncate":
		op.does = "cut"
		op.at, err = strconv.ParseInt(words[1], 10, 64)
	case name == "fdatasync" || name == "fsync":
		op.does = "sync"
	default:
		err = fmt.Errorf("a call that the test does not know how to repeat")
	}
	return op, err
}

// unhex reads strace's \x41\x42.
func unhex(s string) string {
	b, err := hex.DecodeString(strings.ReplaceAll(s, `\x`, ""))
	if err != nil {
		return s
	}
	return string(b)
}
