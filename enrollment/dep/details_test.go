package dep_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/dep"
)

func TestPain10_EachDeviceHasItsOwnAnswer(t *testing.T) {
	w := newWorld(t, appletest.Options{})
	serials := w.devices(t, 2)
	w.org.AddDevices(appletest.Device{Serial: "ELSEWHERE"})
	c := w.client(t, dep.Options{})

	details, err := c.DeviceDetails(t.Context(), serials[1], "ELSEWHERE", serials[0], serials[1])
	require.NoError(t, err, "what is wrong with one device is no error of the call")
	require.Len(t, details, 3, "a serial number that comes twice is asked for once")
	assert.Equal(t, serials[1], details[0].Device.Serial)
	require.NoError(t, details[0].Err())
	assert.Equal(t, serials[0], details[2].Device.Serial)

	one := details[1].Err()
	require.ErrorIs(t, one, dep.ErrNotAccessible)
	require.EqualError(t, one, "dep: POST /devices: device ELSEWHERE: Apple answered NOT_ACCESSIBLE; "+
		"the device is not assigned to this service; check it in Apple's portal")
	assert.Empty(t, details[1].Device)
}

func TestPain10_NotFoundNamesTheSerial(t *testing.T) {
	c := answering(t, text(200, `{"devices":{"A":{"response_status":"NOT_FOUND"},"B":{"response_status":"ODD\u001b"},"C":{}}}`), dep.Options{})
	details, err := c.DeviceDetails(t.Context(), "A", "B", "C", "D")
	require.NoError(t, err)
	require.ErrorIs(t, details[0].Err(), dep.ErrNotAccessible)
	require.ErrorContains(t, details[0].Err(), "device A: Apple answered NOT_FOUND")
	for i, serial := range []string{"B", "C", "D"} {
		one := details[i+1].Err()
		require.ErrorContains(t, one, "device "+serial+"; Apple's answer does not mention the device")
		assert.Equal(t, enrollment.Retry, dep.Outcome(one), "asking does nothing, so it is never unknown")
	}
}

func TestDetailsThatDoNotFitAreRefused(t *testing.T) {
	for _, body := range []string{
		`{"devices":[]}`, `{"devices":{"A":"SUCCESS"}}`, `{"devices":{"A":{"response_status":"SUCCESS"}}}`,
		`{"devices":{"A":{"response_status":"SUCCESS","serial_number":"B"}}}`, `{"devices":{"A":{},"a":{}}}`,
	} {
		_, err := answering(t, text(200, body), dep.Options{}).DeviceDetails(t.Context(), "A")
		require.ErrorIs(t, err, dep.ErrAnswer, body)
	}
}

func TestWhatIsNoSerialNumberIsNotSent(t *testing.T) {
	w := newWorld(t, appletest.Options{})
	c := w.client(t, dep.Options{})
	for _, serials := range [][]string{nil, {""}, {"A", "B\n"}, {"a b"}, {string(make([]byte, 200))}} {
		_, err := c.DeviceDetails(t.Context(), serials...)
		require.ErrorIs(t, err, dep.ErrInput, "%q", serials)
		_, err = c.RemoveProfile(t.Context(), serials...)
		require.ErrorIs(t, err, dep.ErrInput, "%q", serials)
	}
	assert.Empty(t, w.apple.Requests())
}

// Apple wants at most 1000 devices in a call; when one of the calls fails, nothing that was answered is lost.
func TestManyDevicesAreAskedForInParts(t *testing.T) {
	var serials []string
	for i := range 2*dep.MaxDevices + 1 {
		serials = append(serials, fmt.Sprintf("S%d", i))
	}
	var sizes []int
	fail := 0
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		var request struct {
			Devices []string `json:"devices"`
		}
		assert.NoError(t, json.NewDecoder(r.Body).Decode(&request))
		sizes = append(sizes, len(request.Devices))
		if len(sizes) == fail {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		statuses := map[string]string{}
		for _, s := range request.Devices {
			statuses[s] = "SUCCESS"
		}
		assert.NoError(t, json.NewEncoder(w).Encode(map[string]any{"devices": statuses}))
	}, dep.Options{})

	results, err := c.RemoveProfile(t.Context(), serials...)
	require.NoError(t, err)
	assert.Equal(t, []int{1000, 1000, 1}, sizes)
	require.Len(t, results, len(serials))
	for i, r := range results {
		require.Equal(t, serials[i], r.Serial)
		require.NoError(t, r.Err())
	}

	sizes, fail = nil, 2
	results, err = c.RemoveProfile(t.Context(), serials...)
	assert.Len(t, results, 1000)
	var incomplete *dep.IncompleteError
	require.ErrorAs(t, err, &incomplete)
	assert.Equal(t, serials[1000:2000], incomplete.Asked)
	assert.Equal(t, serials[2000:], incomplete.Rest)
	require.ErrorContains(t, err, "1 devices later in the list were not asked about")
	assert.Equal(t, enrollment.Unknown, dep.Outcome(err), "a gateway does not know whether Apple did it")
	assert.Len(t, sizes, 2, "nothing is sent after a failure")
}
