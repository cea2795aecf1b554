package enrollment_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
)

// read reads a whole list: its devices, what is wrong with rows, and what ended it.
func read(r io.Reader) (devices []enrollment.ListedDevice, rows []string, end error) {
	for d, err := range enrollment.ReadDevices(r) {
		row, is := errors.AsType[*enrollment.RowError](err)
		switch {
		case is:
			rows = append(rows, row.Error())
		case err != nil:
			end = err
		default:
			devices = append(devices, d)
		}
	}
	return devices, rows, end
}

func TestADeviceListAsPeopleMakeIt(t *testing.T) {
	want := []enrollment.ListedDevice{
		{Line: 2, Device: enrollment.Device{Serial: "C02A", UDID: "U-1", Family: enrollment.FamilyAppleTV, OS: "26.1"}, Other: map[string]string{"Room": "4, \"left\""}},
		{Line: 3, Device: enrollment.Device{Serial: "C02B"}, Other: map[string]string{"Room": ""}},
	}
	plain := "serial,udid,product_family,Room,os_version\n" +
		"C02A,U-1,AppleTV,\"4, \"\"left\"\"\",26.1\nC02B,,,,\n"
	for name, list := range map[string]string{
		"plain":                     plain,
		"as Excel saves it":         "\ufeff" + strings.ReplaceAll(plain, "\n", "\r\n") + ",,,,\r\n\r\n",
		"quoted, spaced, shouted":   strings.Replace(strings.Replace(plain, "serial,udid", "\" Serial \",UDID ", 1), "C02A", "\" c02a\"", 1),
		"a byte order mark, quoted": "\ufeff\"serial\"" + strings.TrimPrefix(plain, "serial"),
		"without the last newline":  strings.TrimSpace(plain),
	} {
		devices, rows, err := read(iotest.OneByteReader(strings.NewReader(list)))
		require.NoError(t, err, name)
		assert.Empty(t, rows, name)
		assert.Empty(t, cmp.Diff(want, devices), name)
	}
	devices, _, err := read(strings.NewReader("serial\nC02A\n"))
	require.NoError(t, err)
	assert.Equal(t, []enrollment.ListedDevice{{Line: 2, Device: enrollment.Device{Serial: "C02A"}}}, devices, "one column will do")
}

// What is wrong with a row is told with its line, and the rows after it are read.
func TestABadRowStopsNothing(t *testing.T) {
	for row, want := range map[string]string{
		",U-1,Mac,15.1":           "line 2: it has no serial number",
		"C02-A,U-1,Mac,15.1":      `line 2: "C02-A" is no serial number`,
		"C02\u00c4,U-1,Mac,15.1":  "line 2: \"C02\u00c4\" is no serial number",
		"C02A,U 1,Mac,15.1":       `line 2: "U 1" is no UDID`,
		"C02A,U-1,Toaster,15.1":   `line 2: "Toaster" is no product family; there are iPhone, iPad, iPod, Mac, AppleTV, Vision and Watch`,
		"C02A,U-1,Mac,macOS 15":   `line 2: "macOS 15" is no version of an operating system, such as 26.1`,
		"C02A,U-1,Mac,15.1,Room4": "line 2: it has more columns than the header",
		"C02A,U\"1,Mac,15.1":      "line 2: its quotation marks are not those of CSV",
		"C02A,\"U\"1,Mac,15.1":    "line 2: its quotation marks are not those of CSV",
		strings.Repeat("A", 300):  "line 2: \"" + strings.Repeat("A", 64) + "…\" is no serial number",
	} {
		devices, rows, err := read(strings.NewReader("serial,udid,product_family,os_version\n" + row + "\nC02Z,,,\n"))
		require.NoError(t, err, row)
		assert.Equal(t, []string{want}, rows)
		require.Len(t, devices, 1, row)
		assert.Equal(t, "C02Z", devices[0].Device.Serial)
		assert.Equal(t, 3, devices[0].Line)
	}
}

// The same device must not be moved twice, however it is spelled.
func TestADeviceIsListedOnce(t *testing.T) {
	devices, rows, err := read(strings.NewReader("serial\nC02A\nC02B\n c02a\nC02A\n"))
	require.NoError(t, err)
	assert.Len(t, devices, 2)
	assert.Equal(t, []string{"line 4: the device C02A is in line 2 already", "line 5: the device C02A is in line 2 already"}, rows)
	for _, err := range enrollment.ReadDevices(strings.NewReader("serial\nC02A\nC02A\n")) {
		if row, is := errors.AsType[*enrollment.RowError](err); is {
			assert.Equal(t, "C02A", row.Serial)
		}
	}
}

func TestListsThatCannotBeRead(t *testing.T) {
	broken := errors.New("the disk is gone")
	for name, c := range map[string]struct {
		list  io.Reader
		wants string
	}{
		"empty":                {strings.NewReader(""), `it is empty; the first line names the columns, of which "serial" is needed`},
		"no header":            {strings.NewReader("C02A\nC02B\n"), `no column is named "serial"`},
		"semicolons":           {strings.NewReader("serial;udid\nC02A;U\n"), `no column is named "serial"; the first line names the columns, separated by commas`},
		"a column twice":       {strings.NewReader("serial,Serial\n"), `two columns are named "serial"`},
		"quotes in header":     {strings.NewReader("se\"rial\n"), "the header, line 1: its quotation marks"},
		"an open quote":        {strings.NewReader("serial\nC02A\n\"C02B\nC02C\n"), "a quotation mark that opens in line 3 is not closed"},
		"a row without end":    {io.MultiReader(strings.NewReader("serial\nC02A\n"), endless{}), "a row has more than 65536 bytes"},
		"a header without end": {endless{}, "a row has more than 65536 bytes"},
		"columns without end":  {strings.NewReader("serial" + strings.Repeat(",", 300) + "\n"), "it has more than 256 columns"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := read(c.list)
			require.ErrorIs(t, err, enrollment.ErrDeviceList)
			require.ErrorContains(t, err, c.wants)
		})
	}
	devices, _, err := read(io.MultiReader(strings.NewReader("serial\nC02A\n"), iotest.ErrReader(broken)))
	require.ErrorIs(t, err, broken)
	assert.Len(t, devices, 1)
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'A'
	}
	return len(p), nil
}

// A list is read as it comes: what a host does with a row happens before the next is read, and leaving is always right.
func TestADeviceListIsAStream(t *testing.T) {
	source, sink := io.Pipe()
	go func() {
		for i := 0; ; i++ {
			line := fmt.Sprintf("C%05d\n", i)
			if i == 0 {
				line = "serial\n"
			}
			if _, err := io.WriteString(sink, line); err != nil {
				return
			}
		}
	}()
	n := 0
	for d, err := range enrollment.ReadDevices(source) {
		require.NoError(t, err)
		if n++; n == 5000 {
			assert.Equal(t, "C05000", d.Device.Serial)
			break
		}
	}
	require.NoError(t, source.Close())
	assert.Equal(t, 5000, n)
}

// What is written is read again as it was, and no value is a formula in a spreadsheet: some come from devices.
func TestAWrittenListIsReadAgain(t *testing.T) {
	rows := []enrollment.ListedDevice{
		{Line: 2, Device: enrollment.Device{Serial: "C02A", UDID: "=U", Family: enrollment.FamilyMac, OS: "15.1"}, Other: map[string]string{"Room": "=cmd|' /C calc'!A0", "+Note": "a, \"b\""}},
		{Line: 3, Device: enrollment.Device{Serial: "C02B"}, Other: map[string]string{"Room": "'=1", "+Note": "-1"}},
	}
	var out bytes.Buffer
	w := enrollment.NewDeviceList(&out, "Room", "+Note")
	for _, d := range rows {
		require.NoError(t, w.Write(d))
	}
	require.NoError(t, w.Flush())
	assert.Equal(t, "serial,udid,product_family,os_version,Room,'+Note\n"+
		"C02A,'=U,mac,15.1,'=cmd|' /C calc'!A0,\"a, \"\"b\"\"\"\nC02B,,,,''=1,'-1\n", out.String())
	devices, problems, err := read(&out)
	require.NoError(t, err)
	assert.Empty(t, problems)
	assert.Empty(t, cmp.Diff(rows, devices))

	w = enrollment.NewDeviceList(&out)
	require.NoError(t, w.Flush())
	assert.Equal(t, "serial,udid,product_family,os_version\n", out.String(), "the header of an empty list")
}

func FuzzReadDevices(f *testing.F) {
	for _, seed := range []string{
		"serial\nC02A\n", "\ufeffserial,udid,product_family,os_version,Room\r\nc02a,U,Mac,26.1,\"4\n5\"\r\n", "serial\n\"", "serial,serial\n", "serial\n'=A\n", "a,serial\n''=,B\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, list string) {
		devices, _, err := read(strings.NewReader(list))
		seen := map[string]bool{}
		other := map[string]bool{}
		for _, d := range devices {
			require.Equal(t, d.Device.Serial, enrollment.NormalSerial(d.Device.Serial))
			require.NotEmpty(t, d.Device.Serial)
			require.False(t, seen[d.Device.Serial], "the same device twice")
			seen[d.Device.Serial] = true
			for name := range d.Other {
				other[name] = true
			}
		}
		if err != nil {
			require.ErrorIs(t, err, enrollment.ErrDeviceList)
			return
		}
		var out bytes.Buffer
		var names []string
		for name := range other {
			names = append(names, name)
		}
		slices.Sort(names)
		w := enrollment.NewDeviceList(&out, names...)
		for _, d := range devices {
			require.NoError(t, w.Write(d))
		}
		require.NoError(t, w.Flush())
		again, rows, err := read(&out)
		require.NoError(t, err)
		require.Empty(t, rows)
		require.Len(t, again, len(devices))
		for i, d := range again {
			require.Equal(t, devices[i].Device, d.Device)
			for name, value := range devices[i].Other {
				require.Equal(t, value, d.Other[name], name)
			}
		}
	})
}
