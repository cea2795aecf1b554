package bolt

import (
	"encoding/binary"
	"time"
)

const stampSize = 4 + 8 + 8

// stamp is a small value about a record: a checksum over key and value, a version, a time.
func stamp(key []byte, version int64, at time.Time) []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 4, stampSize), uint64(version))
	b = append(b, instant(at)...)
	binary.BigEndian.PutUint32(b, checksum(key, b[4:]))
	return b
}

// readStamp is the way back; false: these are not the bytes that were written for key.
func readStamp(key, value []byte) (version int64, at time.Time, ok bool) {
	if len(value) != stampSize || binary.BigEndian.Uint32(value) != checksum(key, value[4:]) {
		return 0, time.Time{}, false
	}
	return int64(binary.BigEndian.Uint64(value[4:])), fromInstant(value[12:]), true
}
