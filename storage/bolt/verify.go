package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
)

// The layout of bbolt's pages, which has not changed since its first version: a header (id, flags, count, overflow),
// then elements that point to their keys and values.
const (
	headerSize  = 16
	elementSize = 16
	metaSize    = 64
	magic       = 0xED0CDAED
	version     = 2

	branchPage   = 0x01
	leafPage     = 0x02
	freelistPage = 0x10
	bucketFlag   = 0x01

	maxDepth = 32
)

var order = binary.NativeEndian

type meta struct {
	pageSize, root, freelist, pages, txid uint64
}

// state is a file as a transaction left it.
type state struct {
	info fs.FileInfo
	meta meta
}

// same reports whether nobody has written to the file between two states.
func (s state) same(other state) bool {
	return s.info != nil && other.info != nil && os.SameFile(s.info, other.info) && s.meta == other.meta
}

// stateOf finds out at which state a file is.
func stateOf(f *os.File, path string) (state, error) {
	info, err := f.Stat()
	if err != nil {
		return state{}, err
	}
	if info.Size() == 0 {
		return state{}, damaged(path, "it is empty, which a store file never is; to start anew, remove it")
	}
	m, ok := newestMeta(f, info.Size())
	if !ok {
		return state{}, damaged(path, "it is no store file, or its beginning was overwritten")
	}
	if need := int64(m.pages * m.pageSize); info.Size() < need {
		return state{}, damaged(path, fmt.Sprintf("it was cut short: %d bytes where %d are needed", info.Size(), need))
	}
	return state{info, m}, nil
}

// verify walks the whole structure of the file: bbolt trusts what it maps, and a loop or a wild pointer in it would
// end the process. What pages hold is not its business: records have checksums.
func verify(f *os.File, path string, m meta) error {
	w := walk{file: f, meta: m, seen: make([]bool, m.pages)}
	w.seen[0], w.seen[1] = true, true
	err := w.tree(m.root, 0, bounds{})
	if err == nil {
		err = w.free()
	}
	var wrong wrongPage
	if errors.As(err, &wrong) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return damaged(path, err.Error())
	}
	return err
}

// newestMeta returns the valid meta page of the later transaction.
func newestMeta(f *os.File, size int64) (newest meta, ok bool) {
	// The second meta page is one page in; the first may be unreadable, so every page size is tried.
	for at := int64(0); at <= 16<<20 && at < size; at = max(1024, at*2) {
		m, valid := readMeta(f, at, size)
		if valid && (at == 0 || m.pageSize == uint64(at)) && (!ok || m.txid > newest.txid) {
			newest, ok = m, true
		}
	}
	return newest, ok
}

func readMeta(f *os.File, at, size int64) (meta, bool) {
	b := make([]byte, headerSize+metaSize)
	if _, err := f.ReadAt(b, at); err != nil {
		return meta{}, false
	}
	b = b[headerSize:]
	sum := fnv.New64a()
	sum.Write(b[:56])
	if order.Uint32(b) != magic || order.Uint32(b[4:]) != version || order.Uint64(b[56:]) != sum.Sum64() {
		return meta{}, false
	}
	m := meta{
		pageSize: uint64(order.Uint32(b[8:])), root: order.Uint64(b[16:]), freelist: order.Uint64(b[32:]),
		pages: order.Uint64(b[40:]), txid: order.Uint64(b[48:]),
	}
	sane := m.pageSize >= 1024 && m.pageSize <= 16<<20 && m.pageSize&(m.pageSize-1) == 0 && m.pages >= 4 && m.pages < 1<<40
	return m, sane
}

// wrongPage says what is wrong with a page.
type wrongPage struct {
	id  uint64
	why string
}

func (w wrongPage) Error() string { return fmt.Sprintf("page %d %s", w.id, w.why) }

// walk visits each page once.
type walk struct {
	file *os.File
	meta meta
	seen []bool
}

// page reads a page with its overflow and checks its header.
func (w *walk) page(id uint64) (flags uint16, count int, page []byte, err error) {
	wrong := func(why string) (uint16, int, []byte, error) { return 0, 0, nil, wrongPage{id, why} }
	if id >= w.meta.pages {
		return wrong("is behind the end")
	}
	page = make([]byte, w.meta.pageSize)
	if _, err := w.file.ReadAt(page, int64(id*w.meta.pageSize)); err != nil {
		return 0, 0, nil, err
	}
	if self := order.Uint64(page); self != id {
		return wrong(fmt.Sprintf("says that it is page %d", self))
	}
	flags, count = order.Uint16(page[8:]), int(order.Uint16(page[10:]))
	overflow := uint64(order.Uint32(page[12:]))
	if overflow >= w.meta.pages-id {
		return wrong("runs over the end")
	}
	for i := id; i <= id+overflow; i++ {
		if w.seen[i] {
			return wrong("is used twice")
		}
		w.seen[i] = true
	}
	if overflow > 0 {
		whole := make([]byte, (overflow+1)*w.meta.pageSize)
		if _, err := w.file.ReadAt(whole, int64(id*w.meta.pageSize)); err != nil {
			return 0, 0, nil, err
		}
		page = whole
	}
	return flags, count, page, nil
}

// bounds are what the branches above a page say of its keys: the first one, and one that all lie before. A key outside
// of them would not be found, and bbolt would replace the wrong page.
type bounds struct{ first, before []byte } // nil: any

// follows reports whether key may come behind last, which is nil at the page's first key.
func (b bounds) follows(last, key []byte) bool {
	switch {
	case len(key) == 0 || b.before != nil && bytes.Compare(key, b.before) >= 0:
		return false
	case last == nil:
		return b.first == nil || bytes.Equal(key, b.first)
	}
	return bytes.Compare(last, key) < 0
}

// tree checks a page of a bucket's tree and all below it.
func (w *walk) tree(id uint64, depth int, within bounds) error {
	flags, count, page, err := w.page(id)
	switch {
	case err != nil:
		return err
	case depth > maxDepth:
		return wrongPage{id, "lies too deep"}
	case flags == branchPage && count > 0:
		return w.branch(id, count, page, depth, within)
	case flags == leafPage && (count > 0 || within.first == nil):
		return w.leaf(id, count, page, depth, within)
	}
	return wrongPage{id, "is of no kind that belongs into a tree"}
}
