package appletest

type device struct{ service *Service }

func (d *device) release() { d.service = nil }

type deviceEvent struct{}
type profile struct{}
