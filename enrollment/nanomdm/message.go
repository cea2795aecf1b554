package nanomdm

import (
	"strconv"
	"strings"

	"github.com/micromdm/plist"

	"github.com/abmrenew/abmrenew/enrollment"
)

// message is a property list that a device sent: a check-in, or its answer to a command.
type message map[string]any

// readMessage reads one. Only what passed the guard comes to the parser.
func readMessage(raw []byte) (message, error) {
	if err := guard(raw); err != nil {
		return nil, err
	}
	var m map[string]any
	if err := plist.Unmarshal(raw, &m); err != nil {
		return nil, badPlist("%s", printable(err.Error(), 200))
	}
	return m, nil
}

// text returns a value that tells something to people or to a table. What is no text, or a monstrous one, is not known.
func (m message) text(key string) string {
	s, _ := m[key].(string)
	if len(s) > 256 {
		return ""
	}
	return printable(s, 256)
}

// known returns the answer to a question of yes or no.
func (m message) known(key string) enrollment.Known {
	switch m[key] {
	case true:
		return enrollment.Yes
	case false:
		return enrollment.No
	}
	return enrollment.NotKnown
}

// device returns what the message tells of the device that sent it. ModelName tells the family in Apple's words for
// people ("MacBook Pro"), ProductName the model in its own ("MacBookPro18,3").
func (m message) device() enrollment.Device {
	d := enrollment.Device{
		Serial: enrollment.NormalSerial(m.text("SerialNumber")), UDID: m.text("UDID"),
		Model: m.text("ModelName"), Product: m.text("ProductName"), OS: m.text("OSVersion"),
	}
	if d.Family = familyOf(d.Product); d.Family == "" {
		d.Family = familyOf(d.Model)
	}
	return d
}

// familyOf reads the family off the beginning of a product or model name; empty: none that is known. "iMacPro1,1" and
// "Macmini9,1" are Macs; "RealityDevice14,1" is a Vision, "VirtualMac2,1" a Mac inside of a Mac (both observed).
func familyOf(name string) enrollment.Family {
	name = strings.ToLower(strings.ReplaceAll(name, " ", ""))
	for _, f := range [...]struct {
		begins string
		family enrollment.Family
	}{
		{"iphone", enrollment.FamilyIPhone}, {"ipad", enrollment.FamilyIPad}, {"ipod", enrollment.FamilyIPod},
		{"imac", enrollment.FamilyMac}, {"mac", enrollment.FamilyMac}, {"virtualmac", enrollment.FamilyMac},
		{"appletv", enrollment.FamilyAppleTV}, {"watch", enrollment.FamilyWatch}, {"applewatch", enrollment.FamilyWatch},
		{"realitydevice", enrollment.FamilyVision}, {"applevision", enrollment.FamilyVision},
	} {
		if strings.HasPrefix(name, f.begins) {
			return f.family
		}
	}
	return ""
}

// maxErrors is how many links of an error chain are kept.
const maxErrors = 8

// reason puts the error chain of an answer into one line for people.
func (m message) reason() string {
	chain, _ := m["ErrorChain"].([]any)
	var links []string
	for _, one := range chain[:min(len(chain), maxErrors)] {
		link, is := one.(map[string]any)
		if !is {
			continue
		}
		text := message(link).text("USEnglishDescription")
		if text == "" {
			text = message(link).text("LocalizedDescription")
		}
		name := message(link).text("ErrorDomain")
		if code, is := number(link["ErrorCode"]); is {
			name = strings.TrimSpace(name + " " + strconv.FormatInt(code, 10))
		}
		if name != "" && text != "" {
			name += ": "
		}
		links = append(links, name+text)
	}
	return printable(strings.Join(links, "; "), 512)
}

// number reads an integer, which the parser gives with or without a sign.
func number(value any) (int64, bool) {
	switch n := value.(type) {
	case int64:
		return n, true
	case uint64:
		return int64(n & (1<<63 - 1)), true
	}
	return 0, false
}
