package apigateway

import (
	"context"
	"errors"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	v2 "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/store"
)

var (
	plans    = store.NewTable[aws.ARN, api.UsagePlan]("apigateway.plan")
	planKeys = store.NewTable[memberKey, bool]("apigateway.planKey") // keys of plans
	keyPlans = store.NewTable[memberKey, bool]("apigateway.keyPlan") // plans of keys
)

// A memberKey is something of something.
type memberKey struct {
	Of aws.ARN
	ID string
}

func planARN(call *aws.Call, id string) aws.ARN { return call.ARN("apigateway", "/usageplans/"+id) }

func findPlan(tx *store.Tx, call *aws.Call, id string) (aws.ARN, api.UsagePlan, error) {
	arn := planARN(call, id)
	row, err := plans.Get(tx, arn)
	return arn, row, refused(err, "Usage Plan")
}

// CreateUsagePlan makes a plan of how much of which APIs keys may use.
func (s *Service) CreateUsagePlan(ctx context.Context, call *aws.Call, in *api.CreateUsagePlanInput) (*api.UsagePlan, error) {
	row := api.UsagePlan{
		Id: new(newID(6)), Name: &in.Name, Description: in.Description, ApiStages: in.ApiStages, Throttle: in.Throttle, Quota: in.Quota, Tags: in.Tags,
	}
	if row.ApiStages == nil {
		row.ApiStages = []api.ApiStage{}
	}
	completePlan(&row)
	sockets := s.socketStages(ctx, call, row.ApiStages)
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		if err := checkPlan(tx, call, &row, sockets); err != nil {
			return err
		}
		s.dropKeysAfter(tx)
		return plans.Put(tx, planARN(call, *row.Id), row)
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

// completePlan fills in what was not said.
func completePlan(row *api.UsagePlan) {
	if t := row.Throttle; t != nil {
		t.BurstLimit, t.RateLimit = new(aws.Value(t.BurstLimit)), new(aws.Value(t.RateLimit))
	}
	if q := row.Quota; q != nil {
		q.Offset = new(aws.Value(q.Offset))
	}
}

// socketStages are those of stages, "api:stage", that are WebSocket APIs'.
func (s *Service) socketStages(ctx context.Context, call *aws.Call, stages []api.ApiStage) map[string]bool {
	found := make(map[string]bool)
	for _, stage := range stages {
		id, name := aws.Value(stage.ApiId), aws.Value(stage.Stage)
		of, err := dispatch.Call(ctx, s.cfg.Table, call, v2.GetApi, &v2.GetApiInput{ApiId: id})
		if err != nil || aws.Value(of.ProtocolType) != v2.ProtocolTypeWebsocket {
			continue
		}
		if _, err := dispatch.Call(ctx, s.cfg.Table, call, v2.GetStage, &v2.GetStageInput{ApiId: id, StageName: name}); err == nil {
			found[id+":"+name] = true
		}
	}
	return found
}

func checkPlan(tx *store.Tx, call *aws.Call, row *api.UsagePlan, sockets map[string]bool) error {
	if q := row.Quota; q != nil {
		last := map[string]int32{"DAY": 0, "WEEK": 6, "MONTH": 27}
		switch most, ok := last[aws.Value(q.Period)]; {
		case !ok:
			return errBad("Usage plan quota period must be specified. Must be one of: [DAY, WEEK, MONTH]")
		case aws.Value(q.Limit) < 0 || q.Limit == nil:
			return errBad("Usage Plan quota limit must be specified and be greater than or equal to 0")
		case *q.Offset < 0 || *q.Offset > most:
			return errBad("Usage Plan quota offset must be %s in the %s period", map[int32]string{0: "zero", 6: "between zero and six inclusive", 27: "between zero and 27 inclusive"}[most], *q.Period)
		}
	}
	for _, stage := range row.ApiStages {
		if sockets[aws.Value(stage.ApiId)+":"+aws.Value(stage.Stage)] {
			continue
		}
		if _, _, err := findAPI(tx, call, aws.Value(stage.ApiId)); err != nil {
			return err
		}
		if found, err := stages.Has(tx, partKey{apiARN(call, *stage.ApiId), aws.Value(stage.Stage)}); err != nil {
			return err
		} else if !found {
			return api.NotFoundException.Errorf("API Stage not found: %s:%s", *stage.ApiId, aws.Value(stage.Stage))
		}
	}
	return nil
}

// checkUnplanned refuses to remove a stage that a usage plan is for.
func checkUnplanned(tx *store.Tx, call *aws.Call, apiID, stage string) error {
	for _, row := range plans.Scan(tx, call.ARN("apigateway", "")) {
		for _, s := range row.ApiStages {
			if *s.ApiId == apiID && *s.Stage == stage {
				return errBad("Active stages with usage plans cannot be deleted")
			}
		}
	}
	return tx.Err()
}

// GetUsagePlan returns a plan.
func (s *Service) GetUsagePlan(ctx context.Context, call *aws.Call, in *api.GetUsagePlanInput) (*api.UsagePlan, error) {
	var row api.UsagePlan
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		_, row, err = findPlan(tx, call, in.UsagePlanId)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

// GetUsagePlans lists the plans of an account, or those of one key.
func (s *Service) GetUsagePlans(ctx context.Context, call *aws.Call, in *api.GetUsagePlansInput) (*api.GetUsagePlansOutput, error) {
	out := new(api.GetUsagePlansOutput)
	err := s.db.View(ctx, func(tx *store.Tx) error {
		rows, position, err := listOf(tx, plans, call, "/usageplans/", in.Limit, in.Position)
		out.Items, out.Position = []api.UsagePlan{}, position
		for _, row := range rows {
			if in.KeyId != nil {
				if has, err := planKeys.Has(tx, memberKey{planARN(call, *row.Id), *in.KeyId}); err != nil {
					return err
				} else if !has {
					continue
				}
			}
			out.Items = append(out.Items, row)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// UpdateUsagePlan changes a plan.
func (s *Service) UpdateUsagePlan(ctx context.Context, call *aws.Call, in *api.UpdateUsagePlanInput) (*api.UsagePlan, error) {
	was, err := s.GetUsagePlan(ctx, call, &api.GetUsagePlanInput{UsagePlanId: in.UsagePlanId})
	if err != nil {
		return nil, err
	}
	sockets := s.socketStages(ctx, call, append(was.ApiStages, stagesAdded(in.PatchOperations)...))
	var row api.UsagePlan
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		arn, found, err := findPlan(tx, call, in.UsagePlanId)
		if err != nil {
			return err
		}
		row = found
		if err := apply(in.PatchOperations, func(c *change) error { return patchPlan(&row, c) }); err != nil {
			return err
		}
		completePlan(&row)
		if err := checkPlan(tx, call, &row, sockets); err != nil {
			return err
		}
		s.dropKeysAfter(tx)
		return plans.Put(tx, arn, row)
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

// stagesAdded are the stages that changes of a plan add to it.
func stagesAdded(changes []api.PatchOperation) (all []api.ApiStage) {
	for _, c := range changes {
		if id, stage, ok := strings.Cut(aws.Value(c.Value), ":"); ok && aws.Value(c.Path) == "/apiStages" {
			all = append(all, api.ApiStage{ApiId: &id, Stage: &stage})
		}
	}
	return all
}

func patchPlan(row *api.UsagePlan, c *change) (err error) {
	switch {
	case c.path == "/name":
		row.Name = new(c.value)
	case c.path == "/description":
		row.Description = c.text()
	case c.path == "/productCode":
		row.ProductCode = c.text()
	case c.at(0) == "throttle":
		return patchThrottle(&row.Throttle, c, c.parts[1:])
	case c.path == "/quota" && c.op == opRemove:
		row.Quota = nil
	case c.at(0) == "quota" && len(c.parts) == 2:
		if row.Quota == nil {
			row.Quota = new(api.QuotaSettings)
		}
		switch c.parts[1] {
		case "limit":
			row.Quota.Limit, err = c.int32()
		case "offset":
			row.Quota.Offset, err = c.int32()
		case "period":
			row.Quota.Period = c.text()
		default:
			return c.errPath()
		}
	case c.at(0) == "apiStages":
		return patchAPIStages(row, c)
	default:
		return errBad("Invalid patch path  '%s' specified for op '%s'. Must be one of: [/name, /description, /productCode, /throttle/burstLimit, /throttle/rateLimit, "+
			"/quota/limit, /quota/offset, /quota/period, /apiStages]", c.path, c.op)
	}
	return err
}

// patchThrottle changes a rate or a burst, or removes both.
func patchThrottle(t **api.ThrottleSettings, c *change, parts []string) (err error) {
	if len(parts) == 0 && c.op == opRemove {
		*t = nil
		return nil
	}
	if *t == nil {
		*t = new(api.ThrottleSettings)
	}
	switch strings.Join(parts, "/") {
	case "burstLimit":
		(*t).BurstLimit, err = c.int32()
	case "rateLimit":
		(*t).RateLimit, err = c.float()
	default:
		err = c.errPath()
	}
	return err
}

// patchAPIStages adds or removes a stage, id:stage, or changes how fast methods
// of one may be used: /apiStages/id:stage/throttle/~1pets~1GET/rateLimit.
func patchAPIStages(row *api.UsagePlan, c *change) error {
	name := c.at(1)
	if len(c.parts) == 1 {
		name = c.value
	}
	id, stage, ok := strings.Cut(name, ":")
	if !ok {
		return errBad("Invalid API stage specified: %s", name)
	}
	i := slices.IndexFunc(row.ApiStages, func(s api.ApiStage) bool { return *s.ApiId == id && *s.Stage == stage })
	if len(c.parts) == 1 {
		switch {
		case c.op == opRemove && i >= 0:
			row.ApiStages = slices.Delete(slices.Clone(row.ApiStages), i, i+1)
		case c.op == opRemove:
			return api.NotFoundException.Errorf("API Stage not found: %s", name)
		case i < 0:
			row.ApiStages = append(row.ApiStages, api.ApiStage{ApiId: &id, Stage: &stage})
		}
		return nil
	}
	if i < 0 || c.at(2) != "throttle" || len(c.parts) < 4 {
		return c.errPath()
	}
	at := &row.ApiStages[i]
	if len(c.parts) == 4 && c.op == opRemove {
		delete(at.Throttle, c.parts[3])
		return nil
	}
	t := at.Throttle[c.parts[3]]
	set := &t
	if err := patchThrottle(&set, c, c.parts[4:]); err != nil {
		return err
	}
	if at.Throttle == nil {
		at.Throttle = make(map[string]api.ThrottleSettings)
	}
	at.Throttle[c.parts[3]] = *set
	return nil
}

// DeleteUsagePlan removes a plan that no stage is of.
func (s *Service) DeleteUsagePlan(ctx context.Context, call *aws.Call, in *api.DeleteUsagePlanInput) (*api.DeleteUsagePlanOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, row, err := findPlan(tx, call, in.UsagePlanId)
		if err != nil {
			return err
		}
		if len(row.ApiStages) > 0 {
			return errBad("Cannot delete Usage Plan %s because it is associated with API stages", in.UsagePlanId)
		}
		for key := range planKeys.Scan(tx, memberKey{Of: arn}) {
			if err := keyPlans.Delete(tx, memberKey{keyARN(call, key.ID), in.UsagePlanId}); err != nil {
				return err
			}
		}
		s.dropKeysAfter(tx)
		return errors.Join(tx.Err(), planKeys.DeletePrefix(tx, memberKey{Of: arn}), usages.DeletePrefix(tx, usageKey{Plan: arn}), plans.Delete(tx, arn))
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteUsagePlanOutput{}, nil
}

// CreateUsagePlanKey has a plan hold for a key.
func (s *Service) CreateUsagePlanKey(ctx context.Context, call *aws.Call, in *api.CreateUsagePlanKeyInput) (*api.UsagePlanKey, error) {
	var out api.UsagePlanKey
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		if in.KeyType != "API_KEY" {
			return errBad("Invalid key type specified. Must be one of: [API_KEY]")
		}
		plan, row, err := findPlan(tx, call, in.UsagePlanId)
		if err != nil {
			return err
		}
		arn, key, err := findKey(tx, call, in.KeyId)
		if err != nil {
			return err
		}
		if err := checkPlanKey(tx, call, plan, arn, &row); err != nil {
			return err
		}
		out = planKeyOf(key)
		s.dropKeysAfter(tx)
		return join(tx, plan, arn)
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// join has a plan hold for a key.
func join(tx *store.Tx, plan, key aws.ARN) error {
	return errors.Join(
		planKeys.Put(tx, memberKey{plan, strings.TrimPrefix(key.Resource, "/apikeys/")}, true),
		keyPlans.Put(tx, memberKey{key, strings.TrimPrefix(plan.Resource, "/usageplans/")}, true),
	)
}

// checkPlanKey refuses a key that is in the plan, or in another for a stage of it.
func checkPlanKey(tx *store.Tx, call *aws.Call, plan, key aws.ARN, row *api.UsagePlan) error {
	for m := range keyPlans.Scan(tx, memberKey{Of: key}) {
		id := strings.TrimPrefix(key.Resource, "/apikeys/")
		if m.ID == *row.Id {
			return api.ConflictException.Errorf("Usage Plan Key %s already exists", id)
		}
		other, err := plans.Get(tx, planARN(call, m.ID))
		if err != nil {
			return err
		}
		for _, s := range other.ApiStages {
			if slices.ContainsFunc(row.ApiStages, func(t api.ApiStage) bool { return *s.ApiId == *t.ApiId && *s.Stage == *t.Stage }) {
				return api.ConflictException.Errorf("ApiKey %s is already associated with another usage plan for the API stage %s:%s", id, *s.ApiId, *s.Stage)
			}
		}
	}
	return tx.Err()
}

func planKeyOf(key api.ApiKey) api.UsagePlanKey {
	return api.UsagePlanKey{Id: key.Id, Type: new("API_KEY"), Value: key.Value, Name: key.Name}
}

// GetUsagePlanKey returns a key of a plan.
func (s *Service) GetUsagePlanKey(ctx context.Context, call *aws.Call, in *api.GetUsagePlanKeyInput) (*api.UsagePlanKey, error) {
	var out api.UsagePlanKey
	err := s.db.View(ctx, func(tx *store.Tx) error {
		if _, err := planKeys.Get(tx, memberKey{planARN(call, in.UsagePlanId), in.KeyId}); err != nil {
			return refused(err, "Usage Plan Key")
		}
		_, key, err := findKey(tx, call, in.KeyId)
		out = planKeyOf(key)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// GetUsagePlanKeys lists the keys of a plan. AWS does not mind if there is no
// such plan.
func (s *Service) GetUsagePlanKeys(ctx context.Context, call *aws.Call, in *api.GetUsagePlanKeysInput) (*api.GetUsagePlanKeysOutput, error) {
	p, err := pageOf(in.Limit, in.Position)
	if err != nil {
		return nil, err
	}
	var out *api.GetUsagePlanKeysOutput
	err = s.db.View(ctx, func(tx *store.Tx) error {
		out = &api.GetUsagePlanKeysOutput{Items: []api.UsagePlanKey{}}
		plan := planARN(call, in.UsagePlanId)
		for m := range planKeys.ScanAfter(tx, memberKey{Of: plan}, memberKey{plan, p.after}) {
			_, key, err := findKey(tx, call, m.ID)
			if err != nil {
				return err
			}
			if in.NameQuery != nil && !strings.HasPrefix(aws.Value(key.Name), *in.NameQuery) {
				continue
			}
			if len(out.Items) == p.limit {
				if p.limit > 0 {
					out.Position = positionAfter(*out.Items[p.limit-1].Id)
				}
				break
			}
			out.Items = append(out.Items, planKeyOf(key))
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// DeleteUsagePlanKey has a plan not hold for a key any more.
func (s *Service) DeleteUsagePlanKey(ctx context.Context, call *aws.Call, in *api.DeleteUsagePlanKeyInput) (*api.DeleteUsagePlanKeyOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key := memberKey{planARN(call, in.UsagePlanId), in.KeyId}
		if _, err := planKeys.Get(tx, key); err != nil {
			return refused(err, "Usage Plan Key")
		}
		s.dropKeysAfter(tx)
		return errors.Join(planKeys.Delete(tx, key), keyPlans.Delete(tx, memberKey{keyARN(call, in.KeyId), in.UsagePlanId}))
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteUsagePlanKeyOutput{}, nil
}
