package bolt

// branch checks the elements of a branch page, and the pages that they point to.
func (w *walk) branch(id uint64, count int, page []byte, depth int, within bounds) error {
	var child uint64
	var first []byte // key of the child
	for i := range count {
		at := headerSize + i*elementSize
		if at+elementSize > len(page) {
			return wrongPage{id, "has more elements than room"}
		}
		e := page[at:]
		key, ok := cut(e, order.Uint32(e), order.Uint32(e[4:]))
		if !ok || !within.follows(first, key) {
			return wrongPage{id, "has keys out of place"}
		}
		if i > 0 {
			if err := w.tree(child, depth+1, bounds{first, key}); err != nil {
				return err
			}
		}
		child, first = order.Uint64(e[8:]), key
	}
	return w.tree(child, depth+1, bounds{first, within.before})
}

// leaf checks the elements of a leaf page, and the buckets among them.
func (w *walk) leaf(id uint64, count int, page []byte, depth int, within bounds) error {
	var last []byte
	for i := range count {
		at := headerSize + i*elementSize
		if at+elementSize > len(page) {
			return wrongPage{id, "has more elements than room"}
		}
		e := page[at:]
		pos, keySize, valueSize := order.Uint32(e[4:]), order.Uint32(e[8:]), order.Uint32(e[12:])
		key, ok := cut(e, pos, keySize)
		if !ok || !within.follows(last, key) {
			return wrongPage{id, "has keys out of place"}
		}
		last = key
		value, ok := cut(e[uint64(pos)+uint64(keySize):], 0, valueSize)
		if !ok {
			return wrongPage{id, "has values out of place"}
		}
		switch order.Uint32(e) {
		case 0:
		case bucketFlag:
			if err := w.bucket(id, value, depth); err != nil {
				return err
			}
		default:
			return wrongPage{id, "has an element of no known kind"}
		}
	}
	return nil
}

// bucket checks what a bucket's value points to: a tree, or a leaf page within the value.
func (w *walk) bucket(id uint64, value []byte, depth int) error {
	if len(value) < 16 {
		return wrongPage{id, "has a bucket without a root"}
	}
	if root := order.Uint64(value); root != 0 {
		return w.tree(root, depth+1, bounds{})
	}
	inline := value[16:]
	if len(inline) < headerSize || order.Uint16(inline[8:]) != leafPage || depth > maxDepth {
		return wrongPage{id, "has a bucket without a page"}
	}
	return w.leaf(id, int(order.Uint16(inline[10:])), inline, depth+1, bounds{})
}

// free checks the list of free pages: one that is in use would be overwritten.
func (w *walk) free() error {
	id := w.meta.freelist
	flags, count, page, err := w.page(id)
	if err != nil {
		return err
	}
	if flags != freelistPage {
		return wrongPage{id, "is no list of free pages"}
	}
	ids := page[headerSize:]
	total := uint64(count)
	if count == 0xFFFF { // the number did not fit in the header
		total, ids = order.Uint64(ids), ids[8:]
	}
	if total > uint64(len(ids)/8) {
		return wrongPage{id, "lists more free pages than it has room for"}
	}
	for i := range total {
		free := order.Uint64(ids[i*8:])
		if free >= w.meta.pages || w.seen[free] {
			return wrongPage{id, "lists a page as free that is not"}
		}
		w.seen[free] = true
	}
	return nil
}

// cut returns size bytes of b from pos on, if b has them.
func cut(b []byte, pos, size uint32) ([]byte, bool) {
	end := uint64(pos) + uint64(size)
	if end > uint64(len(b)) {
		return nil, false
	}
	return b[pos:end], true
}
