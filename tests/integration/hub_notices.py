"""The hub's own notices in its books, those in bundles among them."""

from protocol_bytes import pb

BODIES = {pb.END_NOTICE: pb.EndNotice, pb.WITHDRAWAL_NOTICE: pb.WithdrawalNotice,
          pb.OBLIGATION_NOTICE: pb.ObligationNotice, pb.SUSPENSION_NOTICE: pb.SuspensionNotice,
          pb.DATA_NOTICE: pb.DataNotice}


def told(query, kind):
    """(recipient, handle, body) of each notice of a kind, oldest first. query: of a Cluster."""
    found = []
    for recipient, type, handle, body in query(
            "SELECT recipient, type, handle, body FROM corridor.message WHERE sender = 'hub'"
            " AND type IN (%s, %s) ORDER BY admitted_at, message_id", kind, pb.NOTICE_BUNDLE):
        parts = [(type, bytes(handle), bytes(body))]
        if type == pb.NOTICE_BUNDLE:
            parts = [(n.type, n.handle, n.body) for n in pb.NoticeBundle.FromString(bytes(body)).notices]
        found += [(recipient, about, BODIES[kind].FromString(raw)) for type, about, raw in parts if type == kind]
    return found
