package archtest

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
)

// pains are what people suffer from in other systems, as far as they are solved here. Tests are named for them, so that
// none comes back: TestPain07_.
var pains = map[int]string{
	1:  "asking for a certificate again loses the key that is in use",
	2:  "another customer's token is taken, or a colleague's refused",
	3:  "Apple refuses the client for its user agent",
	4:  "the protocol version cannot be chosen for one account",
	5:  "a token is imported without its key, and nobody hears of it",
	6:  "the old token stays beside the new one, and is used",
	7:  "a new token is used only after a restart",
	8:  "key pairs of another system cannot be taken over",
	9:  "Apple's own reason is swallowed",
	13: "the person who downloaded the token left, and nothing says so",
	14: "the older of two downloads ends in: something went wrong",
	15: "pending terms look like a broken token",
	16: "a passing failure of Apple's flips a good state",
	17: "one dead token breaks the whole program",
	18: "many tenants wait for each other",
	19: "two services of one organization collide",
	20: "everything changes in silence once there is a second token",
	21: "reminders are a banner that nobody looks at",
	22: "no list over all tenants, and the same alarm every day",
	23: "nobody knows who did it, and from where",
	12: "a wipe that was queued runs after the device enrolled again",
	28: "an Error is taken for proof that nothing was erased",
	29: "a device that came back is still called wiped",
	30: "a pending wipe goes out of sight with the device's record",
	31: "nobody is told that a wipe was acknowledged",
	32: "a wipe throws away what else is queued",
	33: "several wipes wait for one offline device",
	34: "a wipe waits because its push was lost",
	35: "a device is assigned again to the service that has it, and loses its profile",
	36: "a device without a profile at its new service is wiped",
	39: "a completed activity is believed for serial numbers that do not exist",
	41: "the instructions show last year's portal",
	42: "a real file is refused for its encoding, a forged one read",
	43: "the reader of files is an abandoned library",
	44: "every key is tried, although the file names its own",
	45: "only people can do it, no program",
}

var painTest = regexp.MustCompile(`(?m)^func TestPain(\d\d)_\w+\(`)

// painless returns the pains that no test is named for.
func painless(pains map[int]string, files []source) []string {
	tested := map[int]bool{}
	for _, s := range files {
		if !s.isTest() {
			continue
		}
		for _, m := range painTest.FindAllSubmatch(s.text, -1) {
			if n, err := strconv.Atoi(string(m[1])); err == nil {
				tested[n] = true
			}
		}
	}
	var bad []string
	for _, n := range slices.Sorted(maps.Keys(pains)) {
		if !tested[n] {
			bad = append(bad, fmt.Sprintf("no test is named TestPain%02d_: %s", n, pains[n]))
		}
	}
	return bad
}

func TestEveryPainHasItsTest(t *testing.T) {
	assert.Empty(t, painless(pains, sources(t)))
}

func TestPainRuleBites(t *testing.T) {
	two := map[int]string{1: "a", 2: "b"}
	files := []source{
		{path: "x_test.go", text: []byte("func TestPain01_X(t *testing.T) {}\n")},
		{path: "x.go", text: []byte("func TestPain02_Y(t *testing.T) {}\n")},
	}
	assert.Equal(t, []string{"no test is named TestPain02_: b"}, painless(two, files))
}
