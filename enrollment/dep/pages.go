package dep

const (
	fetchPath = "/server/devices"
	syncPath  = "/devices/sync"
)
