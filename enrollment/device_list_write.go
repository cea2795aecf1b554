package enrollment

import (
	"encoding/csv"
	"io"
	"strings"
)

// DeviceListWriter writes a device list that [ReadDevices], spreadsheets and people read. Make one with [NewDeviceList]. It
// is for one goroutine.
type DeviceListWriter struct {
	csv   *csv.Writer
	other []string
	began bool
}

// NewDeviceList writes a list of devices to w, with these columns beside the known ones.
func NewDeviceList(w io.Writer, other ...string) *DeviceListWriter {
	return &DeviceListWriter{csv: csv.NewWriter(w), other: append([]string(nil), other...)}
}

// Write writes a row, the first time after the header.
func (l *DeviceListWriter) Write(d ListedDevice) error {
	if err := l.header(); err != nil {
		return err
	}
	row := []string{d.Device.Serial, d.Device.UDID, string(d.Device.Family), d.Device.OS}
	for _, name := range l.other {
		row = append(row, d.Other[name])
	}
	for i, value := range row {
		row[i] = harmless(value)
	}
	return l.csv.Write(row)
}

// Flush writes what is left, and the header of a list without devices.
func (l *DeviceListWriter) Flush() error {
	if err := l.header(); err != nil {
		return err
	}
	l.csv.Flush()
	return l.csv.Error()
}

func (l *DeviceListWriter) header() error {
	if l.began {
		return nil
	}
	l.began = true
	row := []string{columnSerial, columnUDID, columnFamily, columnOS}
	for _, name := range l.other {
		row = append(row, harmless(name))
	}
	return l.csv.Write(row)
}

// formula are the characters with which a spreadsheet takes a value for a formula (OWASP, "CSV Injection"). Some values come
// from devices.
const formula = "=+-@"

// harmless marks a value that a spreadsheet would carry out as text.
func harmless(value string) string {
	if value != "" && strings.ContainsRune(formula+"'", rune(value[0])) {
		return "'" + value
	}
	return value
}

// plain takes the mark of harmless away.
func plain(value string) string {
	if len(value) > 1 && value[0] == '\'' && strings.ContainsRune(formula+"'", rune(value[1])) {
		return value[1:]
	}
	return value
}
