package dep

import (
	"context"
	"fmt"
	"net/http"
)

// Detail is what Apple says about a device that it was asked for. Device is empty unless the status is a success.
type Detail struct {
	Result
	Device Device
}

// DeviceDetails asks about devices by their serial numbers. There is one Detail for each, in the order of the serial
// numbers and without repetition; those that Apple does not know or show say so, see [Result.Err]. More than
// [MaxDevices] are asked for in parts; with an [*IncompleteError] the details are those that Apple answered before.
func (c *Client) DeviceDetails(ctx context.Context, serials ...string) ([]Detail, error) {
	var details []Detail
	k := call{method: http.MethodPost, path: "/devices", page: true}
	err := batches(serials, func(part []string) error {
		k := k
		k.body = devicesRequest{part}
		var answer struct {
			Devices map[string]object `json:"devices"`
		}
		if err := c.do(ctx, k, &answer); err != nil {
			return err
		}
		got := make([]Detail, len(part))
		for i, serial := range part {
			o := answer.Devices[serial]
			got[i].Result = Result{Serial: serial, Status: Status(o.id("response_status")), op: k.op()}
			if got[i].Status != StatusSuccess {
				continue
			}
			d, err := newDevice(o)
			if err == nil && d.Serial != serial {
				err = errOtherDevice
			}
			if err != nil {
				return fmt.Errorf("%w: %s: device %s: %w", ErrAnswer, k.op(), serial, err)
			}
			got[i].Device = d
		}
		details = append(details, got...)
		return nil
	})
	return details, err
}

type devicesRequest struct {
	Devices []string `json:"devices"`
}
