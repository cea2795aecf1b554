package enrollment

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
)

// The columns of a device list that are known; of these only the serial number is needed.
const (
	columnSerial = "serial"
	columnUDID   = "udid"
	columnFamily = "product_family"
	columnOS     = "os_version"
)

const (
	// MaxDeviceRows bounds how many rows of a list are read.
	MaxDeviceRows = 1_000_000
	maxRowBytes   = 64 << 10
	maxRowColumns = 256
	maxDeviceName = 128 // of a UDID and an OS version
)

// ErrDeviceList says that a device list cannot be read, or not any further, and why.
var ErrDeviceList = errors.New("the device list cannot be read")

func wrongList(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDeviceList, fmt.Sprintf(format, args...))
}

// ListedDevice is a row of a device list.
type ListedDevice struct {
	Line   int // of the file, from 1
	Device Device
	// Other has the columns that are not known here, by the names of the header; nil: there are none.
	Other map[string]string
}

// RowError says what is wrong with one row of a device list. The rows after it are read all the same.
type RowError struct {
	Line   int    // of the file, from 1
	Serial string // as far as it could be read
	Why    string
}

// Error says what is wrong with which row.
func (e *RowError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Why) }

// ReadDevices reads a device list: CSV (RFC 4180) in UTF-8, with or without a byte order mark, whose first line names the
// columns. "serial" is needed, "udid", "product_family" and "os_version" are known, others are kept as they are. Serial
// numbers come as Apple writes them; see [NormalSerial].
//
// It holds one row at a time, and the serial numbers, so that the same device is not listed twice. A [*RowError] is about
// one row, and the sequence goes on after it; every other error matches [ErrDeviceList] or is the reader's, and ends it.
func ReadDevices(r io.Reader) iter.Seq2[ListedDevice, error] {
	return func(yield func(ListedDevice, error) bool) {
		l, err := newDeviceList(r)
		if err != nil {
			yield(ListedDevice{}, err)
			return
		}
		for {
			d, err := l.next()
			if errors.Is(err, io.EOF) {
				return
			}
			_, goOn := errors.AsType[*RowError](err)
			if !yield(d, err) || err != nil && !goOn {
				return
			}
		}
	}
}

// deviceList is a list that is read.
type deviceList struct {
	room   *room
	csv    *csv.Reader
	header []string
	lines  map[string]int // where each serial number was
	rows   int
}

func newDeviceList(r io.Reader) (*deviceList, error) {
	l := &deviceList{room: &room{from: r}, lines: map[string]int{}}
	if err := l.room.skipMark(); err != nil {
		return nil, err
	}
	l.csv = csv.NewReader(l.room)
	l.csv.FieldsPerRecord, l.csv.ReuseRecord = -1, true
	fields, _, err := l.record()
	switch row, is := errors.AsType[*RowError](err); {
	case errors.Is(err, io.EOF):
		return nil, wrongList("it is empty; the first line names the columns, of which %q is needed", columnSerial)
	case is:
		return nil, wrongList("the header, %s", row.Error())
	case err != nil:
		return nil, err
	}
	seen := map[string]bool{}
	for _, name := range fields {
		name = plain(strings.TrimSpace(name))
		if small := strings.ToLower(name); knownColumn(small) {
			name = small
		}
		if name != "" && seen[name] {
			return nil, wrongList("two columns are named %q", shown(name))
		}
		seen[name] = true
		l.header = append(l.header, name)
	}
	if !seen[columnSerial] {
		return nil, wrongList("no column is named %q; the first line names the columns, separated by commas", columnSerial)
	}
	if len(l.header) > maxRowColumns {
		return nil, wrongList("it has more than %d columns", maxRowColumns)
	}
	return l, nil
}

func knownColumn(column string) bool {
	switch column {
	case columnSerial, columnUDID, columnFamily, columnOS:
		return true
	}
	return false
}

// record reads one row, and the line where it begins.
func (l *deviceList) record() ([]string, int, error) {
	l.room.left = maxRowBytes
	fields, err := l.csv.Read()
	if parse, is := errors.AsType[*csv.ParseError](err); is {
		if parse.StartLine != parse.Line {
			return nil, 0, wrongList("a quotation mark that opens in line %d is not closed, or not at the end of its field", parse.StartLine)
		}
		return nil, 0, &RowError{Line: parse.StartLine, Why: "its quotation marks are not those of CSV"}
	}
	if err != nil {
		return nil, 0, err
	}
	line, _ := l.csv.FieldPos(0)
	return fields, line, nil
}

// next reads the next device.
func (l *deviceList) next() (ListedDevice, error) {
	for {
		fields, line, err := l.record()
		if err != nil {
			return ListedDevice{}, err
		}
		if l.rows++; l.rows > MaxDeviceRows {
			return ListedDevice{}, wrongList("it has more than %d rows; split it", MaxDeviceRows)
		}
		if strings.TrimSpace(strings.Join(fields, "")) == "" {
			continue // what spreadsheets leave behind
		}
		return l.device(fields, line)
	}
}

// device takes a device out of a row.
func (l *deviceList) device(fields []string, line int) (ListedDevice, error) {
	d := ListedDevice{Line: line}
	row := map[string]string{}
	for i, value := range fields {
		value = plain(strings.TrimSpace(value))
		switch {
		case i >= len(l.header) && value != "":
			return ListedDevice{}, &RowError{Line: line, Why: "it has more columns than the header"}
		case i >= len(l.header) || l.header[i] == "" && value == "":
		case knownColumn(l.header[i]):
			row[l.header[i]] = value
		default:
			if d.Other == nil {
				d.Other = map[string]string{}
			}
			d.Other[l.header[i]] = value
		}
	}
	d.Device = Device{Serial: NormalSerial(row[columnSerial]), UDID: row[columnUDID], Family: ParseFamily(row[columnFamily]), OS: row[columnOS]}
	wrong := func(format string, args ...any) (ListedDevice, error) {
		return ListedDevice{}, &RowError{line, d.Device.Serial, fmt.Sprintf(format, args...)}
	}
	switch {
	case row[columnSerial] == "":
		return wrong("it has no serial number")
	case d.Device.Serial == "":
		return wrong("%q is no serial number", shown(row[columnSerial]))
	case !plainName(d.Device.UDID):
		return wrong("%q is no UDID", shown(d.Device.UDID))
	case row[columnFamily] != "" && d.Device.Family == "":
		return wrong("%q is no product family; there are iPhone, iPad, iPod, Mac, AppleTV, Vision and Watch", shown(row[columnFamily]))
	case d.Device.OS != "" && (d.Device.Major() == 0 || !plainName(d.Device.OS)):
		return wrong("%q is no version of an operating system, such as 26.1", shown(d.Device.OS))
	}
	if before := l.lines[d.Device.Serial]; before > 0 {
		return wrong("the device %s is in line %d already", d.Device.Serial, before)
	}
	l.lines[strings.Clone(d.Device.Serial)] = line
	return d, nil
}

// plainName reports whether a text may be an identifier: printable ASCII without spaces, and not too long.
func plainName(s string) bool {
	return len(s) <= maxDeviceName && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

// shown bounds a text of a file for an error.
func shown(s string) string {
	if runes := []rune(s); len(runes) > 64 {
		return string(runes[:64]) + "…"
	}
	return s
}

// room lets a row take no more than there is left for it.
type room struct {
	from io.Reader
	left int
}

// skipMark skips the byte order mark that spreadsheets put in front, also of a quoted field.
func (r *room) skipMark() error {
	const mark = "\ufeff"
	begin := make([]byte, len(mark))
	n, err := io.ReadFull(r.from, begin)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	if string(begin[:n]) != mark {
		r.from = io.MultiReader(bytes.NewReader(begin[:n]), r.from)
	}
	return nil
}

func (r *room) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, wrongList("a row has more than %d bytes", maxRowBytes)
	}
	n, err := r.from.Read(p)
	r.left -= n
	return n, err
}
