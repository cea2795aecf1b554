package bolt

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/abmrenew/abmrenew/storage"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// maxValue bounds what is read of one record: its data and the columns before it.
const maxValue = storage.MaxData + 2*storage.MaxKeyPart + 64

// encode returns the stored form of a record: a checksum over key and value, version, wake time, columns, data.
func encode(key []byte, r storage.Record) []byte {
	b := make([]byte, 4, 4+8+1+8+4+len(r.Parent)+len(r.State)+len(r.Data))
	b = binary.BigEndian.AppendUint64(b, uint64(r.Version))
	if r.Wake.IsZero() {
		b = append(b, 0)
	} else {
		b = append(append(b, 1), instant(r.Wake)...)
	}
	for _, column := range []string{r.Parent, r.State} {
		b = binary.BigEndian.AppendUint16(b, uint16(len(column)))
		b = append(b, column...)
	}
	b = append(b, r.Data...)
	binary.BigEndian.PutUint32(b, checksum(key, b[4:]))
	return b
}

func checksum(key, value []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, value)
}

// decode reads the stored form. Nothing of the result points into value, which is mapped memory.
func decode(k storage.RecordKey, key, value []byte) (storage.Record, error) {
	r, data, err := decodeColumns(k, key, value)
	r.Data = slices.Clone(data)
	return r, err
}

// decodeColumns leaves the data out; it is returned as part of value.
func decodeColumns(k storage.RecordKey, key, value []byte) (storage.Record, []byte, error) {
	r := storage.Record{RecordKey: k}
	if len(value) > maxValue || len(value) < 13 || binary.BigEndian.Uint32(value) != checksum(key, value[4:]) {
		return r, nil, changed(k)
	}
	r.Version = int64(binary.BigEndian.Uint64(value[4:]))
	woken, rest := value[12] != 0, value[13:]
	if woken {
		if len(rest) < 8 {
			return r, nil, changed(k)
		}
		r.Wake, rest = fromInstant(rest), rest[8:]
	}
	for _, column := range [...]*string{&r.Parent, &r.State} {
		if len(rest) < 2 || len(rest)-2 < int(binary.BigEndian.Uint16(rest)) {
			return r, nil, changed(k)
		}
		n := int(binary.BigEndian.Uint16(rest))
		*column, rest = string(rest[2:2+n]), rest[2+n:]
	}
	return r, rest, nil
}

func changed(k storage.RecordKey) error {
	return fmt.Errorf("%w: the stored bytes of %v have changed: restore the store file from a backup", storage.ErrDamaged, k)
}
