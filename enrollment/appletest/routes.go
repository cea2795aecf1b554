package appletest

import "net/http"

// routes are the endpoints of the device assignment service that the fake knows; the session is answered apart.
// Others, such as the irreversible /devices/disown, are answered with 404.
var routes = map[string]map[string]func(call) answer{
	"/session":               {http.MethodGet: nil},
	"/account":               {http.MethodGet: call.account},
	"/server/devices":        {http.MethodPost: call.fetch},
	"/devices/sync":          {http.MethodPost: call.syncDevices},
	"/devices":               {http.MethodPost: call.deviceDetails},
	"/device/activationlock": {http.MethodPost: call.activationLock},
	"/profile":               {http.MethodGet: call.getProfile, http.MethodPost: call.defineProfile},
	"/profile/devices": {
		http.MethodPost: call.assignProfile, http.MethodPut: call.assignProfile, http.MethodDelete: call.removeProfile,
	},
}
